"""Files: artefacts, their folders, the run lock and checkpoints."""
