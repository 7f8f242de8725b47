"""The wire: frames, codecs, close codes. Sans-I/O."""
