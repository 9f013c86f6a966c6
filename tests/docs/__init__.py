"""Every block that README.md and docs/ print is run, and compared with what they say."""
