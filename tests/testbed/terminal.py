"""A terminal as a person has it before them: a shell in tmux, what is typed, and what stands on the screen."""

import os
import shlex
import subprocess
import uuid

from . import engine

PROMPT = "READY> "


class Terminal:
    """One window of a tmux server of its own, with a shell in it."""

    def __init__(self, columns=100, rows=50, env=None):
        engine.ROOT.mkdir(parents=True, exist_ok=True)
        self._socket = engine.ROOT / f"tmux-{uuid.uuid4().hex[:12]}"
        self._rc = self._socket.with_suffix(".rc")
        self._rc.write_text(f"PS1='{PROMPT}'\n")
        self._env = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
        self._env.pop("TMUX", None)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, f"bash --rcfile {self._rc}")
        self._tmux("set-option", "-g", "window-size", "manual")
        self.wait_for("the shell's prompt", lambda lines: self.at_prompt(lines))

    def _tmux(self, *args):
        p = subprocess.run(["tmux", "-u", "-S", self._socket, *map(str, args)], env=self._env, capture_output=True, timeout=20)
        if p.returncode != 0:
            raise engine.Problem(f"tmux {' '.join(map(str, args))[:200]}: {p.stderr.decode(errors='replace')}")
        return p.stdout.decode()

    def close(self):
        self._tmux("kill-server")
        self._rc.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- what a person does ----

    def type(self, text):
        self._tmux("send-keys", "-l", "--", text)

    def key(self, *names):
        """Keys by their tmux names: Enter, C-c."""
        self._tmux("send-keys", *names)

    def command(self, *words):
        """Type a command and Enter."""
        self.type(" ".join(shlex.quote(str(w)) for w in words))
        self.key("Enter")

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", columns, "-y", rows)

    # ---- what a person sees ----

    def screen(self):
        """Lines of the screen, without the blanks behind them."""
        return self._tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def coloured(self):
        """The screen with its SGR sequences."""
        return self._tmux("capture-pane", "-p", "-e")

    def state(self, name):
        """A variable of tmux about the window: alternate_on, cursor_flag…"""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def at_prompt(self, lines=None):
        lines = self.screen() if lines is None else lines
        return lines[-1].strip() == PROMPT.strip()

    def wait_for(self, what, condition, timeout=20.0):
        """The first screen for which condition(lines) holds; a Problem with the last one after the deadline."""
        seen = [[]]

        def look():
            seen[0] = self.screen()
            return condition(seen[0]) and seen[0]
        try:
            return engine.wait_for(what, look, timeout)
        except engine.Problem as e:
            raise engine.Problem(f"{e}; on the screen:\n" + "\n".join(seen[0])) from None
