"""Safe access to files of this machine: strangers may write to folders that mfwb reads."""
