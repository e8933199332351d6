package output

// ExtendWithin is for the tests.
var ExtendWithin = extendWithin
