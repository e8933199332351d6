package preflight

// OwnAmong is for tests.
var OwnAmong = ownAmong
