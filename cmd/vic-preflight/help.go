package main

import (
	"embed"
	"strings"
)

// helpTexts are what the commands say of themselves, a file each: the description,
// and below a line EXAMPLES the examples.
//
//go:embed help
var helpTexts embed.FS

var (
	// usageTemplate is cobra's, with the flags before the examples; exitStatus comes
	// at its end.
	usageTemplate = helpFile("usage.tmpl")
	exitStatus    = strings.TrimSuffix(helpFile("exit-status.txt"), "\n")
)

func longHelp(command string) string {
	long, _, _ := strings.Cut(helpFile(command+".txt"), "\nEXAMPLES\n")
	return strings.TrimSpace(long)
}

func exampleHelp(command string) string {
	_, examples, _ := strings.Cut(helpFile(command+".txt"), "\nEXAMPLES\n")
	return strings.TrimSuffix(examples, "\n")
}

func helpFile(name string) string {
	text, err := helpTexts.ReadFile("help/" + name)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return string(text)
}
