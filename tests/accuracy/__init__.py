"""How right the planner is: its formulas against what engines printed and what people measured (`make accuracy`)."""
