"""Files of this machine, opened and made with care: strangers may write where mfwb reads."""
