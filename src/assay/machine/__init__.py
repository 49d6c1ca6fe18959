"""The machine: its cores, and who has it to themselves."""
