package preflight

// Stage is a part of a run that takes time.
type Stage string

// The stages, in the order in which they come up. A run need not have all.
const (
	StageRefresh  Stage = "refresh"
	StageRead     Stage = "read"
	StageSettings Stage = "settings"
	StageSwitch   Stage = "switch"
	StageSoftware Stage = "software"
	StageSurvey   Stage = "survey"
	StageApply    Stage = "apply"
	StageVerify   Stage = "verify"
	StageProbe    Stage = "probe"
)

// String says what goes on in the stage.
func (s Stage) String() string {
	switch s {
	case StageRefresh:
		return "refreshing the firewalls"
	case StageRead:
		return "reading the firewalls"
	case StageSettings:
		return "asking whom they log to"
	case StageSwitch:
		return "asking whether they are on"
	case StageSoftware:
		return "listing what is installed"
	case StageSurvey:
		return "asking the hosts"
	case StageApply:
		return "changing the firewalls"
	case StageVerify:
		return "seeing whether the changes hold"
	case StageProbe:
		return "letting the hosts dial"
	}
	return string(s)
}

// Observer is told how far a run is, and what its user should know. Its methods may
// be called concurrently, and must not block for long. Texts may quote a server.
type Observer interface {
	// Progress says how many of a stage's hosts are done. The total of a stage
	// stays the same.
	Progress(stage Stage, done, total int)
	// Note tells what may be good to know, Warn what the user should look at.
	Note(text string)
	Warn(text string)
	// Journal names the file that takes the changes back, before the first is made.
	Journal(path string)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Progress(Stage, int, int) {}
func (nobody) Note(string)              {}
func (nobody) Warn(string)              {}
func (nobody) Journal(string)           {}

func (o *Options) observer() Observer {
	if o.Observer == nil {
		return nobody{}
	}
	return o.Observer
}

// progress is the observer's Progress as other packages call it.
func (o *Options) progress(stage string, done, total int) {
	o.observer().Progress(Stage(stage), done, total)
}
