"""What `manage.py bench` measures: the product over HTTP beside the least that could do the same, in one run."""
