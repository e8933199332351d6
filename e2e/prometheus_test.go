package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Prometheus", func() {
	It("scrapes what a run wrote, and answers which hosts fail", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		metrics := command(ctx, environment(), preflight, "check", "--target", "sim://mixed", "--output", "prometheus")
		Expect(metrics.code).To(Equal(1), metrics.stderr)
		Expect(os.WriteFile(filepath.Join(dir, "metrics"), []byte(metrics.stdout), 0o600)).To(Succeed())
		files := httptest.NewServer(http.FileServer(http.Dir(dir)))
		DeferCleanup(files.Close)

		config := filepath.Join(dir, "prometheus.yml")
		Expect(os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: vic-preflight
    static_configs: [{targets: [%q]}]
`, files.Listener.Addr()), 0o600)).To(Succeed())
		free, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		address := free.Addr().String()
		Expect(free.Close()).To(Succeed())
		background("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)

		report := command(ctx, environment(), preflight, "check", "--target", "sim://mixed", "--output", "json")
		Eventually(func() []string {
			return failing(address)
		}).WithContext(ctx).WithTimeout(30 * time.Second).WithPolling(200 * time.Millisecond).Should(ConsistOf(failed(report.stdout)))
	})
})

// background runs a program until the spec ends.
func background(name string, args ...string) {
	GinkgoHelper()
	cmd := exec.Command(name, args...)
	cmd.Env = environment()
	cmd.Stderr = GinkgoWriter
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// failing are the hosts that a Prometheus server says fail; none while it cannot say.
func failing(address string) []string {
	res, err := http.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(`vic_preflight_host_status{status="fail"} == 1`))
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Metric struct{ Host string } }
		}
	}
	_ = json.NewDecoder(res.Body).Decode(&answer)
	var hosts []string
	for _, r := range answer.Data.Result {
		hosts = append(hosts, r.Metric.Host)
	}
	return hosts
}

// failed are the hosts that a JSON report says fail.
func failed(text string) []string {
	GinkgoHelper()
	var doc struct {
		Targets []struct {
			Hosts []struct{ Name, Status string }
		}
	}
	Expect(json.Unmarshal([]byte(text), &doc)).To(Succeed())
	var hosts []string
	for _, h := range doc.Targets[0].Hosts {
		if h.Status == "fail" {
			hosts = append(hosts, h.Name)
		}
	}
	Expect(hosts).NotTo(BeEmpty())
	return hosts
}
