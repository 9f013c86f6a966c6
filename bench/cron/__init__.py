"""How fast a sync is that somebody's cron calls every few minutes, and how little it asks for."""
