"""The console of every command: arguments read and refused, files and tables written, errors in a sentence."""
