//go:build linux

package dist_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v4"
)

// pipeline is what an example has its runner do, as the runner reads it.
type pipeline struct {
	commands string
	// environment has the names that the example gives; the values are of no use here.
	environment []string
	// artifacts are the patterns of the files that it publishes.
	artifacts []string
}

func githubActions() pipeline {
	GinkgoHelper()
	var file struct {
		Jobs struct {
			Hosts struct {
				Env   map[string]string
				Steps []struct {
					Run  string
					Env  map[string]string
					With struct{ Path string }
				}
			}
		}
	}
	Expect(yaml.Unmarshal([]byte(example("github-actions.yml")), &file)).To(Succeed())
	steps := file.Jobs.Hosts.Steps
	Expect(steps).To(HaveLen(3), "install, check, keep")
	p := pipeline{commands: steps[0].Run + steps[1].Run, artifacts: strings.Fields(steps[2].With.Path)}
	for _, env := range []map[string]string{file.Jobs.Hosts.Env, steps[1].Env} {
		for name := range env {
			p.environment = append(p.environment, name)
		}
	}
	return p
}

func gitlab() pipeline {
	GinkgoHelper()
	var file map[string]struct {
		Script    []string
		Artifacts struct {
			Paths   []string
			Reports struct{ JUnit string }
		}
	}
	Expect(yaml.Unmarshal([]byte(example("gitlab-ci.yml")), &file)).To(Succeed())
	job := file["vic-preflight"]
	return pipeline{
		commands:    strings.Join(job.Script, "\n"),
		environment: regexp.MustCompile(`VIC_MACHINE_\w+`).FindAllString(example("gitlab-ci.yml"), -1),
		artifacts:   append(job.Artifacts.Paths, job.Artifacts.Reports.JUnit),
	}
}

// jenkins reads the file by its text: nothing here knows Groovy.
func jenkins() pipeline {
	GinkgoHelper()
	text := example("Jenkinsfile")
	find := func(pattern string) string {
		GinkgoHelper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		Expect(found).NotTo(BeNil(), pattern)
		return found[1]
	}
	credentials := find(`(\w+) = credentials\(`)
	return pipeline{
		commands:    find(`(?s)sh '''(.*?)'''`),
		environment: []string{find(`(\w+TARGET) = '`), credentials + "_USR", credentials + "_PSW"},
		artifacts:   []string{find(`testResults: '([^']+)'`), find(`artifacts: '([^']+)'`)},
	}
}

func cronJob() pipeline {
	GinkgoHelper()
	text := example("cronjob.yaml")
	var job struct {
		Spec struct {
			JobTemplate struct {
				Spec struct {
					Template struct {
						Spec struct {
							Containers []struct {
								Args []string
								Env  []struct{ Name string }
							}
						}
					}
				}
			} `yaml:"jobTemplate"`
		}
	}
	Expect(yaml.Unmarshal([]byte(text), &job)).To(Succeed())
	container := job.Spec.JobTemplate.Spec.Template.Spec.Containers[0]
	Expect(container.Args).NotTo(BeEmpty())
	p := pipeline{commands: "vic-preflight " + strings.Join(container.Args, " ")}
	for _, env := range container.Env {
		p.environment = append(p.environment, env.Name)
	}
	return p
}

// run runs the commands as a runner does, against a scenario, in a folder, which is
// returned with what was written.
func (p pipeline) run(ctx context.Context, scenario string) (dir, out string, err error) {
	GinkgoHelper()
	programs := unpacked(ctx)
	dir = GinkgoT().TempDir()
	archive := file("*_linux_" + runtime.GOARCH + ".tar.gz")
	// The example's download, of the release that was built here.
	curl := fmt.Sprintf("#!/bin/sh\nfor url; do :; done\ncp -- \"$(dirname '%s')/${url##*/}\" .\n", archive)
	Expect(os.WriteFile(filepath.Join(programs, "curl"), []byte(curl), 0o755)).To(Succeed())
	values := map[string]string{
		"VIC_MACHINE_TARGET": "sim://" + scenario,
		"VERSION":            version,
		"SHA256":             strings.Fields(run(ctx, dir, "sha256sum", archive))[0],
	}
	environment := []string{"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + GinkgoT().TempDir(), "GITHUB_STEP_SUMMARY=" + filepath.Join(dir, "summary.md")}
	for _, name := range p.environment {
		value, known := values[name]
		if !known {
			value = "secret-of-" + name
		}
		environment = append(environment, name+"="+value)
	}
	commands := strings.ReplaceAll(p.commands, "linux_amd64", "linux_"+runtime.GOARCH)
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", commands)
	cmd.Dir, cmd.Env = dir, environment
	data, err := cmd.CombinedOutput()
	return dir, string(data), err
}

var _ = Describe("the pipelines of docs/ci", func() {
	DescribeTable("fail where a host does, pass where all is well, and have what they publish", func(ctx SpecContext, read func() pipeline, prints string) {
		p := read()
		for scenario, status := range map[string]OmegaMatcher{"mixed": MatchError("exit status 1"), "open": Succeed()} {
			dir, out, err := p.run(ctx, scenario)
			Expect(err).To(status, out)
			Expect(out).NotTo(ContainSubstring("secret-of"))
			if scenario == "mixed" {
				Expect(out).To(ContainSubstring(prints))
			}
			for _, pattern := range p.artifacts {
				files, err := filepath.Glob(filepath.Join(dir, pattern))
				Expect(err).NotTo(HaveOccurred())
				Expect(files).NotTo(BeEmpty(), pattern)
				for _, file := range files {
					Expect(filepath.Base(file)).To(BeElementOf("report.xml", "report.html"), pattern)
				}
			}
			if len(p.artifacts) > 0 {
				run(ctx, dir, "xmllint", "--noout", "report.xml")
				Expect(run(ctx, dir, "xmllint", "--xpath", "count(/testsuites/testsuite/testcase)", "report.xml")).NotTo(HavePrefix("0"))
				Expect(os.ReadFile(filepath.Join(dir, "report.html"))).To(HavePrefix("<!DOCTYPE html>"))
			}
			if strings.Contains(p.commands, "-o github") {
				Expect(os.ReadFile(filepath.Join(dir, "summary.md"))).NotTo(BeEmpty())
			}
		}
	},
		Entry("GitHub Actions", githubActions, "::error "),
		Entry("GitLab CI", gitlab, ""),
		Entry("Jenkins", jenkins, ""),
		Entry("CronJob", cronJob, "FAIL"),
	)
})
