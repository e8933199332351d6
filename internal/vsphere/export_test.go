package vsphere

// Private functions, for the tests.
var (
	ParseObject      = parseObject
	HasSerialFeature = hasSerialFeature
	MadeAt           = madeAt
)

// ProbeTag is probeTag, for the tests.
const ProbeTag = probeTag
