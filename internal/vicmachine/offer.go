package vicmachine

import "slices"

// Choice is an option of vic-machine create as a shell offers it.
type Choice struct {
	// Name and Alias are without dashes; Alias is empty where there is none. Takes says in a
	// few words what value it has.
	Name, Alias, Takes string
	// Value means that a value stands behind it, and File that the value is a path here.
	Value, File bool
}

// files are the options whose value is a path on this machine.
var files = []string{"tls-server-key", "tls-server-cert", "tls-cert-path", "tls-ca", "registry-ca", "appliance-iso", "bootstrap-iso"}

// takes says what an option of a kind takes.
var takes = map[kind]string{
	text: "takes a text", list: "takes a text, several times", boolean: "takes no value", integer: "takes a number", anyBase: "takes a number",
	shares: "takes low, normal, high or a number", duration: "takes a time", address: "takes a URL",
}

// Choices are all options, but for help.
func Choices() (list []Choice) {
	for _, o := range options {
		if o.name != "help" {
			list = append(list, Choice{o.name, o.alias, takes[o.kind], o.kind != boolean, slices.Contains(files, o.name)})
		}
	}
	return list
}
