"""The local web page over a release: lists, pairs, evaluation, map. It reads and never writes."""
