package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

const deployFolder = "../../docs/deploy"

// checkArgs holds a command line to the commands and flags of the binary.
func checkArgs(t *testing.T, args []string) {
	t.Helper()
	root := newRoot()
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		t.Errorf("%q: no such command: %v", args, err)
		return
	}
	root.SetArgs(args)
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%q: %v", args, err)
	}
	if log := cmd.Flag("log-format"); log == nil {
		t.Errorf("%q: no global flags", args)
	}
	if err := cobra.NoArgs(cmd, cmd.Flags().Args()); err != nil {
		t.Errorf("%q: %v", args, err)
	}
}

// TestDeployUnits holds the systemd units to the binary and to each other.
func TestDeployUnits(t *testing.T) {
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/backstory (.+)$`)
	for _, name := range []string{"backstory.service", "backstory-run.service"} {
		text := readText(t, filepath.Join(deployFolder, name))
		found := start.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("%s starts nothing", name)
		}
		checkArgs(t, strings.Fields(found[1]))
		if !strings.Contains(text, "\nTimeoutStopSec=40\n") {
			t.Errorf("%s: no time to stop", name)
		}
	}
	timer := readText(t, filepath.Join(deployFolder, "backstory-run.timer"))
	if !strings.Contains(timer, "\nPersistent=true\n") {
		t.Error("the timer does not catch up")
	}
}

// TestDeployDockerfile holds the image's command to the binary.
func TestDeployDockerfile(t *testing.T) {
	text := readText(t, filepath.Join(deployFolder, "Dockerfile"))
	found := regexp.MustCompile(`(?m)^CMD (\[.+\])$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatal("the image has no command")
	}
	var args []string
	if err := yaml.Unmarshal([]byte(found[1]), &args); err != nil {
		t.Fatal(err)
	}
	checkArgs(t, args)
	if !strings.Contains(text, ":nonroot\n") || !strings.Contains(text, "CGO_ENABLED=0") {
		t.Error("the image is not what is said of it")
	}
}

// A podSpec is what the test looks at of a pod.
type podSpec struct {
	Grace      int `yaml:"terminationGracePeriodSeconds"`
	Containers []struct {
		Name string   `yaml:"name"`
		Args []string `yaml:"args"`
	} `yaml:"containers"`
}

// TestDeployKubernetes holds the manifests to the binary, and the
// configuration in them to what is read.
func TestDeployKubernetes(t *testing.T) {
	t.Setenv("EVENTS_URL", "postgres://reader@db/shop")
	t.Setenv("BACKSTORY_TOKEN", "0123456789abcdef")
	var objects []object
	for _, name := range []string{"deployment.yaml", "cronjob.yaml"} {
		d := yaml.NewDecoder(strings.NewReader(readText(t, filepath.Join(deployFolder, name))))
		for {
			var o object
			if err := d.Decode(&o); err != nil {
				break
			}
			objects = append(objects, o)
		}
	}
	kinds := make(map[string]int)
	var grace float64
	for _, o := range objects {
		kinds[o.Kind]++
		if text, ok := o.Data["backstory.yaml"]; ok {
			path := filepath.Join(t.TempDir(), "backstory.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := readConfig(path)
			if err != nil {
				t.Fatalf("the configuration is refused:\n%v", err)
			}
			grace = c.worker.Grace.Seconds()
		}
	}
	for _, kind := range []string{"ConfigMap", "PersistentVolumeClaim", "Deployment", "CronJob"} {
		if kinds[kind] != 1 {
			t.Errorf("%d of kind %s", kinds[kind], kind)
		}
	}
	for _, o := range objects {
		var pod podSpec
		switch o.Kind {
		case "Deployment":
			pod = o.Spec.Template.Spec
		case "CronJob":
			pod = o.Spec.JobTemplate.Spec.Template.Spec
		default:
			continue
		}
		if len(pod.Containers) != 1 {
			t.Fatalf("%s: %d containers", o.Kind, len(pod.Containers))
		}
		checkArgs(t, pod.Containers[0].Args)
		if float64(pod.Grace) <= grace {
			t.Errorf("%s: %d seconds to stop, and worker.grace is %g", o.Kind, pod.Grace, grace)
		}
	}
}

// An object is what the test looks at of a manifest.
type object struct {
	Kind string            `yaml:"kind"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Template    struct{ Spec podSpec } `yaml:"template"`
		JobTemplate struct {
			Spec struct {
				Template struct{ Spec podSpec } `yaml:"template"`
			} `yaml:"spec"`
		} `yaml:"jobTemplate"`
	} `yaml:"spec"`
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
