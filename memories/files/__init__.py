"""Files of what was said or written about a patient: letters, lists, transcripts. Nothing in them is ever executed."""
