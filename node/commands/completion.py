"""`moot completion`: what a shell needs to complete `moot`."""

import click

__all__ = ["command"]


@click.command("completion", short_help="Print the shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete `moot`.

    \b
    bash:  moot completion bash > ~/.local/share/bash-completion/completions/moot
    zsh:   moot completion zsh > ~/.zfunc/_moot    (a folder of your $fpath)
    fish:  moot completion fish > ~/.config/fish/completions/moot.fish
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None, "click knows these three shells"
    click.echo(completion(ctx.find_root().command, {}, "moot", "_MOOT_COMPLETE").source())
