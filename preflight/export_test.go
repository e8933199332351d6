package preflight

var (
	// ManagingVCenter is for the tests.
	ManagingVCenter = managingVCenter
	// OwnAmong is for the tests.
	OwnAmong = ownAmong
)
