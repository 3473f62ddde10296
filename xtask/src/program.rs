//! Running other programs: where the workspace is, and what is said when one of them fails.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// Which of cargo's two profiles the product is built with.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// The workspace's root. Cargo compiles this crate anew where its path changes, so the constant cannot go stale.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The cargo that started us, so that a chosen toolchain stays chosen.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// Cargo's build folder. Our own binary lies in `<target>/debug`, which spares us asking for `--target-dir` in all its
/// spellings.
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let own = env::current_exe().map_err(|cause| Failure::at("find", Path::new("the xtask binary"), &cause))?;
    Ok(own.parent().and_then(Path::parent).unwrap_or(root()).to_owned())
}

/// Where cargo puts a binary of this workspace.
pub(crate) fn built(name: &str, profile: Profile) -> Result<PathBuf, Failure> {
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => "release",
    };
    Ok(target()?.join(folder).join(name))
}

/// Runs a program that shares our terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|cause| Failure::new(format!("cannot run `{}`: {cause}", line(command))))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` failed ({status})", line(command)))) }
}

/// Runs a program for its output; what it says on standard error is shown only when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let result = command
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Failure::new(format!("cannot run `{}`: {cause}", line(command))))?;
    let said = String::from_utf8_lossy(&result.stdout).into_owned();
    if result.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&result.stderr);
    let message = format!("`{}` failed ({})\n{said}{complaint}", line(command), result.status);
    Err(Failure::new(message.trim_end()))
}

/// The first folder of `PATH` that holds all of `names`.
pub(crate) fn folder_on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).find(|folder| names.iter().all(|name| folder.join(name).is_file()))
}

pub(crate) fn is_root() -> Result<bool, Failure> {
    Ok(id(&["-u"])? == 0)
}

/// What `id` answers, when asked for a number.
pub(crate) fn id(arguments: &[&str]) -> Result<u32, Failure> {
    let said = output(Command::new("id").args(arguments))?;
    said.trim().parse().map_err(|_| Failure::new(format!("`id` answered `{}`, not a number", said.trim())))
}

/// The command as one would type it: the program by its name, since its path is noise.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
