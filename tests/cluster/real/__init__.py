"""What makes a real node harmless to the machine that it borrows: its bridge, its cgroups, its record, its end."""
