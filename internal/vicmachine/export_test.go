package vicmachine

// Values are what a command line gives each option, by long name.
func Values(args []string) (map[string][]string, error) { return parse(args) }
