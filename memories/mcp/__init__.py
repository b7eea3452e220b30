"""What agents do through the Model Context Protocol. `manage.py mcp` alone imports it: a web process has no room."""
