"""The commands of the command line, a file for each thing that is looked after."""
