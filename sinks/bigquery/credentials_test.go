package bigquery_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"backstory/sinks/bigquery"
	"backstory/source"
)

// TestCredentialsRefused gives a key that nobody takes any more: what came
// back with the refusal is not shown.
func TestCredentialsRefused(t *testing.T) {
	t.Setenv("BIGQUERY_EMULATOR_HOST", "")
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error": "invalid_grant", "error_description": "SECRET has expired"}`))
	}))
	defer tokens.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "some-project", "private_key_id": "SECRET", "client_email": "loader@some-project.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, bigquery.Options{Project: "some-project", Dataset: dataset, Credentials: path})
	defer s.Close()
	err = s.Access(t.Context())
	if err == nil || strings.Contains(err.Error(), "SECRET") || !strings.Contains(err.Error(), "get a token") {
		t.Fatalf("got %v, want that there is no token", err)
	}
	var setup *source.SetupError
	if !errors.As(err, &setup) || !strings.Contains(setup.Advice, "the credentials were refused or have expired") {
		t.Errorf("got hint %+v", setup)
	}
}

// TestCredentialsMissing says what to do where there are none.
func TestCredentialsMissing(t *testing.T) {
	t.Setenv("BIGQUERY_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	_, err := bigquery.Open(t.Context(), bigquery.Options{Project: "some-project", Dataset: dataset})
	var setup *source.SetupError
	if !errors.As(err, &setup) || !strings.Contains(setup.Advice, "gcloud auth application-default login") {
		t.Fatalf("got %v, want a SetupError that says where they come from", err)
	}
}
