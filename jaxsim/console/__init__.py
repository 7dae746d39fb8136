"""What every command needs: arguments read and refused, files and tables written, errors said in a sentence."""
