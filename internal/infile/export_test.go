package infile

// OpenPipe is Open for a pipe, with other bounds.
var OpenPipe = openPipe
