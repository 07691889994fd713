package bqtest

import (
	"encoding/base64"
	"strconv"

	bq "google.golang.org/api/bigquery/v2"
)

// listRows answers tabledata.list, which costs nothing and sees what is
// committed (https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list).
func (s *Server) listRows(c *call) (any, *apiError) {
	t, err := s.table(c.Dataset, c.Table)
	if err != nil {
		return nil, err
	}
	if t.isView() {
		return nil, invalid("Cannot list a table of type VIEW.")
	}
	if c.decorator != "" || c.query.Get("selectedFields") != "" {
		return nil, fail(501, "notImplemented", "tabledata.list of partitions or selected fields is not simulated")
	}
	total := 0
	for _, p := range t.segments {
		n, _ := p.counts()
		total += n
	}
	from, to, token, err := page(c, total)
	if err != nil {
		return nil, err
	}
	micros := c.query.Get("formatOptions.useInt64Timestamp") == "true"
	list := &bq.TableDataList{Kind: "bigquery#tableDataList", Etag: t.res.Etag, TotalRows: int64(total), PageToken: token, ForceSendFields: []string{"TotalRows"}}
	bad := t.each(from, to-from, func(values []any) {
		list.Rows = append(list.Rows, &bq.TableRow{F: cells(t.fields(), values, micros)})
	})
	if bad != nil {
		return nil, unreadable("%v", bad)
	}
	return list, nil
}

func cells(fields []*bq.TableFieldSchema, values []any, micros bool) []*bq.TableCell {
	out := make([]*bq.TableCell, len(fields))
	for i, f := range fields {
		out[i] = &bq.TableCell{V: wire(f, values[i], micros)}
		if out[i].V == nil {
			out[i].NullFields = []string{"V"}
		}
	}
	return out
}

// wire is a value as the REST API sends it: text, but for records ({"f": ...})
// and lists ([{"v": ...}]).
func wire(f *bq.TableFieldSchema, v any, micros bool) any {
	if v == nil {
		return nil
	}
	if f.Mode == repeated {
		one := *f
		one.Mode = nullable
		items := []*bq.TableCell{}
		for _, e := range v.([]any) {
			items = append(items, &bq.TableCell{V: wire(&one, e, micros)})
		}
		return items
	}
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case []any:
		return &bq.TableRow{F: cells(f.Fields, v, micros)}
	case int64:
		switch {
		case f.Type == "INTEGER", f.Type == "TIMESTAMP" && micros:
			return strconv.FormatInt(v, 10)
		case f.Type == "TIMESTAMP":
			return strconv.FormatFloat(float64(v)/1e6, 'E', -1, 64)
		}
		return timeText(f.Type, v)
	}
	return v
}
