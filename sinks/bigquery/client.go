package bigquery

import (
	"context"
	"encoding/json"
	"os"
	"strings"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/impersonate"
	"google.golang.org/api/option"
)

// credentialsAdvice says how to be somebody.
const credentialsAdvice = "run gcloud auth application-default login, or set sink.credentials to the key file of a service account"

// newClient makes a client that acts as o says. A server that stands in for
// BigQuery gets no credentials: it could be anybody's.
func newClient(ctx context.Context, o Options) (*bigquery.Client, error) {
	opts := []option.ClientOption{option.WithUserAgent("backstory/" + o.Version)}
	if o.QuotaProject != "" {
		opts = append(opts, option.WithQuotaProject(o.QuotaProject))
	}
	switch {
	case o.Endpoint != "":
		opts = append(opts, option.WithEndpoint(endpointURL(o.Endpoint)), option.WithoutAuthentication())
	case o.Impersonate != "":
		tokens, err := impersonate.CredentialsTokenSource(ctx, impersonate.CredentialsConfig{
			TargetPrincipal: o.Impersonate, Scopes: []string{bigquery.Scope},
		}, credentialsOf(o)...)
		if err != nil {
			return nil, setup(err, credentialsAdvice, "impersonate %s", o.Impersonate)
		}
		opts = append(opts, option.WithTokenSource(tokens))
	default:
		opts = append(opts, credentialsOf(o)...)
	}
	if o.Credentials != "" {
		if _, err := credentialsType(o.Credentials); err != nil {
			return nil, setup(err, "set sink.credentials to a key file that can be read", "read credentials %s", o.Credentials)
		}
	}
	c, err := bigquery.NewClient(ctx, o.Project, opts...)
	if err != nil {
		return nil, setup(err, credentialsAdvice, "open bigquery sink")
	}
	c.Location = o.Location
	return c, nil
}

// credentialsOf names the file of credentials, if there is one.
func credentialsOf(o Options) []option.ClientOption {
	if o.Credentials == "" {
		return nil
	}
	kind, err := credentialsType(o.Credentials)
	if err != nil {
		return nil // newClient says so
	}
	return []option.ClientOption{option.WithAuthCredentialsFile(kind, o.Credentials)}
}

// credentialsType reads what kind of credentials a file holds. The library
// wants it named since a file could otherwise make it talk to any address
// (https://pkg.go.dev/google.golang.org/api/option#WithAuthCredentialsFile).
func credentialsType(path string) (option.CredentialsType, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var file struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &file); err != nil || file.Type == "" {
		return "", errNoCredentials // the parser's error could show a part of the key
	}
	return option.CredentialsType(file.Type), nil
}

// endpointURL makes host:port, as BIGQUERY_EMULATOR_HOST has it, the URL below
// which the API is: /bigquery/v2, as that of the service, unless endpoint says
// otherwise. The client would leave the path out.
func endpointURL(endpoint string) string {
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	endpoint = strings.TrimSuffix(endpoint, "/")
	if _, host, _ := strings.Cut(endpoint, "://"); !strings.Contains(host, "/") {
		endpoint += "/bigquery/v2"
	}
	return endpoint + "/"
}
