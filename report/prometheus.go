package report

import (
	"io"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/vic-preflight/vic-preflight/checks"
)

// Prometheus writes metrics in Prometheus' text format, for the textfile collector of
// node_exporter. A host has one series for each status, of which one is 1, so that a
// change of status leaves no series behind; a check has one series alone, with the
// status and the reason that it has. A target that could not be reached has
// vic_preflight_target_up 0 and no hosts.
func Prometheus(w io.Writer, r *Report) error {
	m := gauges{prometheus.NewRegistry()}
	names := r.labels()
	m.targets(r, names)
	m.hosts(r, names)
	m.sections(r)
	m.watch(r.Watch)
	families, err := m.registry.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	return nil
}

type gauges struct{ registry *prometheus.Registry }

func (m gauges) vector(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "vic_preflight", Name: name, Help: help}, labels)
	m.registry.MustRegister(v) // the names are constants
	return v
}

// watch writes what tells whether a watch goes on as it should: beside the time of a
// target's last round.
func (m gauges) watch(w *Watch) {
	if w == nil {
		return
	}
	rounds := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "vic_preflight", Name: "watch_rounds_total", Help: "Rounds of the watch so far."})
	m.registry.MustRegister(rounds)
	rounds.Add(float64(w.Round))
	m.vector("watch_interval_seconds", "Time between the beginnings of two rounds of the watch.").WithLabelValues().Set(w.Every.Seconds())
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// targets writes what is known also of a target that could not be reached.
func (m gauges) targets(r *Report, names []labels) {
	m.vector("info", "1, with the version of vic-preflight.", "version").WithLabelValues(Clean(r.ToolVersion)).Set(1)
	up := m.vector("target_up", "1 when facts could be read of the target.", "target")
	whole := m.vector("target_complete", "1 when the target was up, all hosts could be listed, and the run was not interrupted.", "target")
	began := m.vector("run_timestamp_seconds", "When the run began, in seconds since 1970.", "target")
	took := m.vector("run_duration_seconds", "How long the run took.", "target")
	hosts := m.vector("hosts", "Hosts by the worst status of their checks.", "target", "status")
	waived := m.vector("waived_hosts", "Hosts with a result that a waiver accepts.", "target")
	left := m.vector("leftovers", "Virtual machines of probes that could not be removed.", "target")
	found := m.vector("findings", "Findings by what vic-machine create does about them, waived ones among them; unknown are results without a verdict.", "target", "class")
	about := m.vector("target_info", "1, with what answered at the target.", "target", "kind", "product", "simulated")
	for i, run := range r.Runs {
		target := names[i].target
		up.WithLabelValues(target).Set(one(run.Err == nil))
		whole.WithLabelValues(target).Set(one(run.Err == nil && !run.Interrupted && (run.Inventory == nil || len(run.Inventory.Hidden) == 0)))
		began.WithLabelValues(target).Set(float64(run.StartedAt.UnixMilli()) / 1000)
		took.WithLabelValues(target).Set(run.Duration.Seconds())
		left.WithLabelValues(target).Set(float64(len(run.Leftovers)))
		if c := run.Classes(); c != nil {
			for _, class := range classes() {
				found.WithLabelValues(target, string(class)).Set(float64(*c.of(class)))
			}
			found.WithLabelValues(target, checks.Unknown.String()).Set(float64(c.Unknown))
		}
		if run.Inventory == nil {
			continue
		}
		s := run.Summary()
		for status, n := range map[checks.Status]int{
			checks.Pass: s.Pass, checks.Warn: s.Warn, checks.Fail: s.Fail, checks.Unknown: s.Unknown, checks.Skip: s.Skip,
		} {
			hosts.WithLabelValues(target, status.String()).Set(float64(n))
		}
		waived.WithLabelValues(target).Set(float64(s.Waived))
		e := run.Inventory.Endpoint
		about.WithLabelValues(target, string(e.Kind), Clean(e.FullName), strconv.FormatBool(e.Simulated)).Set(1)
	}
}

func (m gauges) hosts(r *Report, names []labels) {
	status := m.vector("host_status", "1 for the worst status of the host's checks, 0 for the others.", "target", "cluster", "host", "status")
	for i, run := range r.Runs {
		if run.Inventory == nil {
			continue
		}
		byHost := run.byHost()
		for _, h := range run.Inventory.Hosts {
			worst := checks.Worst(byHost[h.Path])
			for _, s := range checks.Statuses() {
				status.WithLabelValues(names[i].target, names[i].clusters[h.ClusterPath], names[i].hosts[h.Path], s.String()).Set(one(s == worst))
			}
		}
	}
}

// sections writes a series for each check, and counts the changes.
func (m gauges) sections(r *Report) {
	hosts := m.vector("check_status", "1, with the status that the check of the host has and why.",
		"target", "cluster", "host", "check", "status", "reason")
	clusters := m.vector("cluster_check_status", "1, with the status that the check of the cluster has and why.",
		"target", "cluster", "check", "status", "reason")
	vch := m.vector("vch_checks", "Results about the virtual container host to be created, by their status and why.",
		"target", "check", "status", "reason")
	waived := m.vector("waiver_expiry_timestamp_seconds", "When what a waiver accepts fails again, in seconds since 1970.",
		"target", "cluster", "host", "check", "reason", "because", "ticket")
	changes := m.vector("changes", "Changes to hosts, planned or made, by their status: warn is planned, pass is made and verified.", "target", "status")
	for _, s := range r.sections() {
		for _, it := range s.items {
			host := it.subject
			switch it.kind {
			case ofTarget:
				continue // it has gauges of its own
			case ofChange:
				changes.WithLabelValues(s.target, it.status.String()).Inc()
				continue
			case ofCluster:
				host = ""
				clusters.WithLabelValues(s.target, s.cluster, it.check, it.status.String(), it.reason).Set(1)
			case ofVCH:
				host = ""
				vch.WithLabelValues(s.target, it.asked, it.status.String(), it.reason).Inc()
			case ofHost:
				hosts.WithLabelValues(s.target, s.cluster, host, it.check, it.status.String(), it.reason).Set(1)
			}
			if w := waiverJSON(it.waiver); w != nil {
				waived.WithLabelValues(s.target, s.cluster, host, it.check, it.reason, w.Because, w.Ticket).Set(float64(it.waiver.Expires.Unix()))
			}
		}
	}
}
