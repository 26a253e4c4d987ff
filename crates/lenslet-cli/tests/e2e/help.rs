use lenslet_kernels::Isa;

use crate::support::Sandbox;

#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::new();
    for (words, part) in [
        ("--help", "Usage: lenslet <COMMAND>"),
        ("train --help", "--learning-rate <RATE>"),
        ("evaluate --help", "loss, accuracy"),
        ("predict --help", "--top <K>"),
        ("summary --help", "HxWxC"),
        ("export --help", "--format <FORMAT>"),
        ("import --help", "torchvision"),
        ("data --help", "show"),
        ("data show --help", "--out <FILE>"),
        ("data get --help", "170 MB"),
        ("plot --help", "Draw a run's pictures again"),
        ("filter --help", "gaussian-blur"),
        ("bench --help", "36 for 144"),
        ("info --help", "cache folder"),
    ] {
        let help = sandbox.ok(words);
        assert!(help.contains(part), "lenslet {words}: {help}");
        let longest = help.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "lenslet {words}: {help}");
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(Sandbox::new().ok("--version"), "lenslet 0.1.0\n");
}

#[test]
fn without_a_command_there_is_help() {
    let ended = Sandbox::new().run("");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("Usage: lenslet <COMMAND>"), "{}", ended.err);
}

#[test]
fn a_misspelt_command_or_option_has_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.refuses("trian", 2, &["unrecognized subcommand 'trian'", "'train'"]);
    sandbox.refuses("train --epoch 3", 2, &["'--epoch'", "'--epochs'"]);
}

#[test]
fn info_tells_what_is_used() {
    let sandbox = Sandbox::new();
    let output = sandbox.command("info --threads 3").env("LENSLET_ISA", "portable").output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let cache = sandbox.path("cache").display().to_string();
    let isa = "portable, as LENSLET_ISA says (this CPU has:";
    for part in ["0.1.0", isa, "threads         3", &cache] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let output = sandbox.command("info").env_remove("LENSLET_ISA").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let best = Isa::detect();
    assert!(text.contains(&format!("instructions    {best} (this CPU has: {best}")), "{text}");
}

#[test]
fn an_instruction_set_that_there_is_not_is_refused() {
    let sandbox = Sandbox::new();
    for command in ["info", "train", "bench", "summary"] {
        let output = sandbox.command(command).env("LENSLET_ISA", "mmx").output().unwrap();
        if command == "summary" {
            assert_eq!(output.status.code(), Some(0), "a table needs no instructions");
            continue;
        }
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("LENSLET_ISA") && message.contains("portable"), "{message}");
    }
}
