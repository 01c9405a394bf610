"""A host as the workflows of one repository see it: what they set, and runs of the action against it."""

import itertools

from . import runner
from .prober import Prober

APP = "shop"
_numbers = itertools.count(1)


class Site:
    """run() is a job with one step of the action: its main stage. post() is that step's post stage."""

    def __init__(self, bed, host):
        self.bed, self.host = bed, host
        self.results, self.jobs, self.steps = [], [], []

    def close(self):
        for job in self.jobs:
            job.remove()

    def inputs(self, tag=None, **over):
        """`with:` of a workflow that deploys the sample app; over wins, with _ for -, None leaves an input out."""
        r = self.bed.registry
        with_ = {
            "host": self.host.name, "user": "ec2-user", "ssh-key": self.bed.keys["ed25519"].text,
            "host-fingerprint": self.host.fingerprint(), "app": APP, "port": "8080", "container-port": "8080",
            "registry-username": r.user, "registry-password": r.password, "connect-timeout": "10s",
            "health-interval": "150ms", "health-retries": "12", "health-timeout": "1s", "warm-up": "0s",
            "stop-timeout": "2s", "lock-timeout": "20s",
        }
        if tag:
            with_["image"] = r.ref(tag)
        with_.update({k.replace("_", "-"): v for k, v in over.items()})
        return {k: str(v) for k, v in with_.items() if v is not None}

    def step(self, tag=None, job=None, debug=False, step_env=None, offers=None, **over):
        """A step, not yet run. Its job is a new one unless given."""
        if job is None:
            job = runner.Job(self.bed.folder / f"job-{next(_numbers)}", self.bed.network, self.bed.run_id)
            self.jobs.append(job)
        step = runner.Step(job, self.inputs(tag, **over), debug=debug, env=step_env, offers=offers)
        self.steps.append(step)
        return step

    def run(self, tag=None, **over):
        return self.finish(self.step(tag, **over).start_main())

    def post(self, job_status="success", step=None):
        """Post stage of the last (or the given) step."""
        return self.finish((step or self.steps[-1]).start_post(job_status))

    def finish(self, stage, **kwargs):
        result = stage.wait(**kwargs)
        self.results.append(result)
        return result

    def load(self, **kwargs):
        return Prober(self.host.ip, **kwargs)

    def outside(self, path, step=None):
        """The file on this machine that a path of an output means."""
        job = (step or self.steps[-1]).job
        for inside, folder in (("/github/workspace/", job.workspace), ("/github/runner_temp/", job.temp)):
            if path.startswith(inside):
                return folder / path.removeprefix(inside)
        return job.workspace / path
