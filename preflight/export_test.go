package preflight

// ManagingVCenter is for the tests.
var ManagingVCenter = managingVCenter
