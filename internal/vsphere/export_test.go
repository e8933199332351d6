package vsphere

// ParseObject is parseObject, for the tests.
var ParseObject = parseObject
