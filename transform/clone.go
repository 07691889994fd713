package transform

// CopyFrom makes d a copy of src that can be changed by itself. It borrows
// the bytes src was parsed from, for as long as src may.
func (d *Document) CopyFrom(src *Document) {
	d.src, d.markers, d.root, d.vast = src.src, src.markers, src.root, src.vast
	d.aux = append(d.aux[:0], src.aux...)
	d.nodes = append(d.nodes[:0], src.nodes...)
	d.unknown = append(d.unknown[:0], src.unknown...)
	d.open = d.open[:0]
}
