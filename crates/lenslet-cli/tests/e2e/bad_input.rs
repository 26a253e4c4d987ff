use std::fs;

use crate::support::{CONFIG, MODEL, Sandbox};

#[test]
fn numbers_that_cannot_train_are_usage_errors() {
    let sandbox = Sandbox::new();
    for (options, parts) in [
        ("--learning-rate NaN", ["learning_rate = NaN", "finite number above 0"]),
        ("--learning-rate -1", ["learning_rate = -1", "finite number above 0"]),
        ("--optimizer sgd --momentum 1", ["momentum = 1", "below 1"]),
        ("--momentum 0.9", ["--momentum", "--optimizer sgd"]),
        ("--epochs 0", ["--epochs", "at least 1"]),
        ("--batch-size 0", ["--batch-size", "at least 1"]),
        ("--batch-size ten", ["'ten'", "whole number"]),
        ("--limit 0", ["--limit", "at least 1"]),
        ("--threads 0", ["--threads", "1..=1024"]),
        ("--optimizer adamm", ["`adamm`", "did you mean `adam`?"]),
        ("--optimizer lion --nesterov", ["--nesterov is for sgd and muon", "leave it out"]),
        ("--weight-decay -1", ["weight_decay = -1", "at least 0"]),
        ("--global-clipnorm 0", ["global_clipnorm = 0", "above 0"]),
        ("--ema 2", ["ema_momentum = 2", "between 0 and 1"]),
        ("--accumulate 1", ["gradient_accumulation_steps = 1", "at least 2"]),
        ("--set beta_1", ["`beta_1` is no setting", "KEY=VALUE"]),
        ("--set beta1=0.9", ["unknown field `beta1`", "did you mean `beta_1`?"]),
        ("--set clipnrom=1", ["unknown field `clipnrom`", "did you mean `clipnorm`?"]),
        ("--set beta_1=high", ["`high` is no number", "true or false"]),
        ("--set beta_1=1.5", ["beta_1 = 1.5", "below 1"]),
        ("--set name=sgd", ["--set", "--optimizer"]),
        ("--set clipnorm=1 --set clipvalue=1", ["clipnorm and clipvalue", "one way"]),
        ("--loss binary_crossentropi", ["no loss", "did you mean `binary_crossentropy`?"]),
        ("--label-smoothing 1", ["label_smoothing = 1", "below 1"]),
        ("--loss mean_squared_error --label-smoothing 0.1", ["--label-smoothing", "leave it out"]),
        ("--class-weights heavy", ["--class-weights", "balanced"]),
        ("--class-weights 1,2", ["2 class_weights do not fit 10 classes", "one for each class"]),
        ("--class-weights -1,1,1,1,1,1,1,1,1,1", ["class_weights = -1", "at least 0"]),
        ("--schedule cosin", ["'cosin'", "'cosine'"]),
        ("--schedule cosine --decay-rate 0.5", ["--decay-rate is for step", "leave it out"]),
        ("--schedule step --end-learning-rate 0.5", ["--end-learning-rate", "polynomial"]),
        ("--schedule step --decay-rate -1", ["gamma = -1", "above 0"]),
        ("--schedule cosine --decay-epochs 0", ["decay_steps = 0", "at least 1"]),
        ("--warmup -1", ["--warmup -1", "0 or more"]),
        ("--schedule cosine --warmup 10", ["--warmup", "make it shorter"]),
        ("--decay-epochs 2", ["--schedule", "--decay-epochs"]),
        ("--verbose 3", ["--verbose", "0..=2"]),
        ("--model cnnn", ["`cnnn`", "did you mean `cnn`?"]),
    ] {
        sandbox.refuses(&format!("train {options}"), 2, &parts);
    }
    assert!(!sandbox.path("runs").exists(), "nothing was trained");
}

#[test]
fn what_is_no_number_is_told_with_what_would_be_one() {
    let sandbox = Sandbox::new();
    let real = "it must be a number, such as 0.001";
    let count = "it must be a whole number, at least";
    for (words, flag, remedy) in [
        ("train --learning-rate fast", "--learning-rate <RATE>", real),
        ("train --learning-rate 0,001", "'0,001'", real),
        ("train --momentum high", "--momentum <SHARE>", real),
        ("train --weight-decay 1%", "'1%'", real),
        ("train --global-clipnorm x", "--global-clipnorm <NORM>", real),
        ("train --ema x", "--ema <SHARE>", real),
        ("train --warmup soon", "--warmup <EPOCHS>", real),
        ("train --decay-rate x", "--decay-rate <FACTOR>", real),
        ("train --label-smoothing some", "--label-smoothing <SHARE>", real),
        ("train --min-delta x", "--min-delta <X>", real),
        ("train --reduce-lr-factor half", "--reduce-lr-factor <FACTOR>", real),
        ("train --validation-split a", "--validation-split <SHARE>", real),
        ("lr-find --from low", "--from <RATE>", real),
        ("import x.onnx --mean a --std 1", "--mean <NUMBERS>", real),
        ("train --seed -1", "--seed <N>", "it must be a whole number from 0 to"),
        ("train --data-seed 0x7", "--data-seed <N>", "it must be a whole number from 0 to"),
        ("train --accumulate 1.5", "--accumulate <N>", "it must be a whole number from 0 to"),
        ("train --epochs -3", "--epochs <N>", count),
        ("train --batch-size 1e2", "--batch-size <N>", count),
        ("train --early-stopping never", "--early-stopping <N>", count),
        ("train --reduce-lr -1", "--reduce-lr <N>", count),
        ("predict run x.png --top all", "--top <K>", count),
        ("lr-find --steps many", "--steps <N>", count),
    ] {
        sandbox.refuses(words, 2, &[flag, remedy]);
    }
}

#[test]
fn what_stands_in_the_wrong_place_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    sandbox.write("notes.txt", "hello");
    let cases: [(&str, i32, &[&str]); 13] = [
        ("trian", 2, &["unrecognized subcommand 'trian'", "'train'"]),
        ("train --epoch 3", 2, &["unexpected argument '--epoch'", "'--epochs'"]),
        ("train --learning-rate", 2, &["a value is required for '--learning-rate <RATE>'"]),
        ("train --name a/b", 1, &["\"a/b\" cannot name a run", "letters, digits"]),
        ("train --out . --name x", 2, &["'--out <DIR>' cannot be used with '--name <NAME>'"]),
        ("train --image-size 32x", 2, &["'32x'", "for example 32x32"]),
        ("train --without winogrd", 2, &["'winogrd'", "'winograd'"]),
        ("train --tensorboard file --quiet", 1, &["--tensorboard", "file", "name another folder"]),
        ("predict file notes.txt", 1, &["file is not a run", "it is a file, not a folder"]),
        ("predict run", 2, &["required arguments were not provided", "<IMAGE>"]),
        ("evaluate", 2, &["required arguments were not provided", "<RUN>"]),
        ("evaluate run --part both", 2, &["'both'", "test, train"]),
        ("filter file --kernel none", 2, &["there is no filter \"none\"", "sobel"]),
    ];
    for (words, code, parts) in cases {
        sandbox.refuses(words, code, parts);
    }
}

#[test]
fn what_cannot_be_measured_is_a_usage_error() {
    let sandbox = Sandbox::new();
    for (options, parts) in [
        ("--isa mmx", ["--isa", "expected portable, avx2 or avx512"]),
        ("--batch 0", ["--batch-size", "at least 1"]),
        ("--seconds=-1", ["--seconds", "a number of seconds from 0"]),
        ("--threads 0", ["--threads", "1..=1024"]),
        ("--model cnnn", ["`cnnn`", "did you mean `cnn`?"]),
    ] {
        sandbox.refuses(&format!("bench {options}"), 2, &parts);
    }
    sandbox.refuses("bench --model missing.toml", 1, &["missing.toml", "check the path"]);
}

#[test]
fn unknown_data_has_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.refuses("train cifar-10", 2, &["`cifar-10`", "synthetic", "did you mean `cifar10`?"]);
    sandbox.refuses("train photos/cats", 2, &["`photos/cats`", "folder of images"]);
    sandbox.refuses("data get mnist", 2, &["'mnist'", "cifar10"]);
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.refuses("train --strict", 2, &["--strict", "image folders", "synthetic"]);
    sandbox.refuses("train --data x.tar.gz", 2, &["--data", "cifar10"]);
    sandbox.refuses("train cifar10 --image-size 8x8", 2, &["--image-size", "image folders"]);
    sandbox.refuses("train cifar10 --image-size 8", 2, &["'8'", "32x32"]);
}

#[test]
fn shares_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.colours("photos", 3);
    sandbox.refuses("train photos --validation-split 1.5", 2, &["1.5", "between 0 and 1"]);
}

#[test]
fn missing_files_are_named() {
    let sandbox = Sandbox::new();
    sandbox.refuses("train --model missing.toml", 1, &["missing.toml", "check the path"]);
    sandbox.refuses(
        "train --config missing.toml",
        1,
        &["missing.toml", "check that the path is right"],
    );
    sandbox.refuses(
        "train cifar10 --data missing.tar.gz",
        1,
        &["missing.tar.gz", "check the path"],
    );
    sandbox.refuses(
        "evaluate runs/missing",
        1,
        &["runs/missing", "no such folder", "lenslet train"],
    );
    sandbox.refuses("predict runs/missing x.png", 1, &["runs/missing", "no such folder"]);
    sandbox.refuses("plot runs/missing", 1, &["runs/missing", "no such folder"]);
    sandbox.refuses("summary missing.toml", 1, &["missing.toml", "check the path"]);
}

#[test]
fn model_files_that_do_not_fit_are_refused() {
    let sandbox = Sandbox::new();
    for (from, to, parts) in [
        ("\"Flatten\"", "\"Flaten\"", ["unknown variant `Flaten`", "did you mean `Flatten`?"]),
        ("units", "unit", ["unknown field `unit`", "did you mean `units`?"]),
        ("[32, 32, 3]", "[28, 28, 3]", ["input = [28, 28, 3]", "[32, 32, 3]"]),
        ("= 10", "= 7", ["10 classes", "units = 10"]),
        ("pool_size = 4", "pool_size = 64", ["`average_pooling2d`", "use a smaller pool_size"]),
        ("= 10", "= ", ["line 14", "small.toml"]),
    ] {
        let text = MODEL.replace(from, to);
        assert_ne!(text, MODEL);
        sandbox.write("small.toml", text);
        let parts = [parts[0], parts[1], "small.toml"];
        sandbox.refuses("train --model small.toml --limit 100", 1, &parts);
    }
    assert!(!sandbox.path("runs").exists(), "nothing was trained");
}

#[test]
fn a_misspelt_key_of_a_config_has_a_hint() {
    let sandbox = Sandbox::new();
    sandbox.write("odd.toml", CONFIG.replace("epochs", "epoch"));
    let parts = ["odd.toml", "unknown field `epoch`", "did you mean `epochs`?"];
    sandbox.refuses("train --config odd.toml", 1, &parts);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_training() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    let words = "train --config tiny.toml --out file/below";
    sandbox.refuses(words, 1, &["file/below", "file where a folder should be"]);
    sandbox.write("runs", "");
    sandbox.refuses("train --config tiny.toml", 1, &["runs", "cannot make the folder"]);
}

#[test]
fn a_limit_that_leaves_classes_empty_says_so() {
    let sandbox = Sandbox::new();
    let words = "train --config tiny.toml --limit 3";
    sandbox.refuses(words, 1, &["--limit 3", "no image", "raise the limit"]);
}

#[test]
fn a_run_that_is_damaged_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet --out run");
    let path = sandbox.path("run/weights.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    sandbox.refuses("evaluate run", 1, &["weights.safetensors"]);
    fs::remove_file(&path).unwrap();
    sandbox.refuses("evaluate run", 1, &["run", "no weights.safetensors"]);
}

#[test]
fn training_that_diverges_ends_with_advice() {
    let sandbox = Sandbox::new();
    let words = "train --config tiny.toml --optimizer sgd --learning-rate 1e300";
    sandbox.refuses(words, 1, &["diverged", "smaller learning rate"]);
}

#[test]
fn a_full_disk_behind_the_output_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let sandbox = Sandbox::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = sandbox.command("summary").stdout(full).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write to standard output"), "{message}");
}
