"""Change a number in the config of a W&B run, as somebody may do in W&B.

python change_config.py ENTITY/PROJECT STEP KEY NUMBER
"""

import sys

import wandb

project, step, key, number = sys.argv[1:]
[run] = [run for run in wandb.Api().runs(project) if run.job_type == step]
run.config[key] = int(number)
run.update()
