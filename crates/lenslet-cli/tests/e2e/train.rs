use std::fs;

use crate::support::{MODEL, Sandbox, assert_complete};

#[test]
fn the_tutorials_network_leaves_a_complete_run() {
    let sandbox = Sandbox::new();
    let out = sandbox.ok("train --limit 200 --epochs 1 --batch-size 50");
    assert_complete(&sandbox.path("runs/synthetic-cnn"));
    for part in [
        "Run: runs/synthetic-cnn\n",
        "200 images to learn from and 2,000 images to test on",
        "Total params: 1,060,138",
        "Epoch 1/1 - 4/4 - ",
        "val_loss: ",
        "test accuracy",
        "Weakest classes: ",
        "Most confused: ",
        "lenslet predict runs/synthetic-cnn IMAGE",
    ] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
}

#[test]
fn piped_output_has_no_escape_codes_and_a_line_per_epoch() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run("train --config tiny.toml --epochs 3");
    assert!(!ended.out.contains(['\u{1b}', '\r']), "{}", ended.out);
    assert!(!ended.err.contains(['\u{1b}', '\r']), "{}", ended.err);
    let epochs: Vec<_> = ended.out.lines().filter(|line| line.starts_with("Epoch ")).collect();
    assert_eq!(epochs.len(), 3, "{}", ended.out);
    for (line, epoch) in epochs.iter().zip(1..) {
        assert!(line.starts_with(&format!("Epoch {epoch}/3 - 10/10 - 0s ")), "{line}");
        for part in ["/step - accuracy: 0.", " - loss: ", " - val_accuracy: 0.", " - val_loss: "] {
            assert!(line.contains(part), "{line}");
        }
    }
}

#[test]
fn verbosity_is_obeyed() {
    let sandbox = Sandbox::new();
    let out = sandbox.ok("train --config tiny.toml --verbose 0");
    assert!(!out.contains("Epoch ") && out.contains("test accuracy"), "{out}");
    let ended = sandbox.run("train --config tiny.toml --quiet");
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "", ""));
}

#[test]
fn runs_never_overwrite_each_other() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet");
    sandbox.ok("train --config tiny.toml --quiet");
    for name in ["runs/synthetic-tiny", "runs/synthetic-tiny-2"] {
        assert_complete(&sandbox.path(name));
    }
    let words = "train --config tiny.toml --out runs/synthetic-tiny";
    sandbox.refuses(words, 1, &["runs/synthetic-tiny", "not empty", "choose another folder"]);
}

#[test]
fn the_folder_may_be_named() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --quiet --name first");
    assert_complete(&sandbox.path("runs/first"));
    sandbox.ok("train --config tiny.toml --quiet --out deep/er");
    assert_complete(&sandbox.path("deep/er"));
}

#[test]
fn a_model_file_is_trained() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", MODEL);
    let out = sandbox.ok("train --config tiny.toml --model small.toml --epochs 1");
    assert!(out.contains("Model: \"small\""), "{out}");
    assert_complete(&sandbox.path("runs/synthetic-small"));
    assert!(sandbox.ok("summary small.toml").contains("Total params: 1,930"));
}

#[test]
fn sgd_is_chosen_with_its_settings() {
    let sandbox = Sandbox::new();
    let options = "--optimizer sgd --learning-rate 0.05 --momentum 0.9 --nesterov";
    sandbox.ok(&format!("train --config tiny.toml --quiet --out run {options}"));
    let config = fs::read_to_string(sandbox.path("run/config.toml")).unwrap();
    for part in ["name = \"sgd\"", "learning_rate = 0.05", "momentum = 0.9", "nesterov = true"] {
        assert!(config.contains(part), "no {part} in {config}");
    }
}

#[test]
fn a_profile_tells_where_the_time_went() {
    let sandbox = Sandbox::new();
    let plain = sandbox.ok("train --config tiny.toml --out plain --threads 2");
    let out = sandbox.ok("train --config tiny.toml --out timed --threads 2 --epochs 3 --profile");
    assert!(!plain.contains("GFLOP/s") && !sandbox.path("plain/profile.json").exists());
    let (_, told) = out.split_once("\nWhere the ").unwrap();
    for part in [" of 30 training steps went, on 2 threads:", "first 20 steps: timed/profile.json"]
    {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let table: Vec<_> = told.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{told}");
    let words: Vec<Vec<_>> = table.iter().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(
        words[0],
        ["layer", "phase", "calls", "total", "ms", "%", "ms/step", "GFLOP/s", "made"]
    );
    for (layer, phase, calls) in [
        ("average_pooling2d", "forward", "600"),
        ("dropout", "forward", "600"),
        ("dense", "forward", "30"),
        ("dense", "back+update", "30"),
        ("loss", "backward", "600"),
        ("parameters", "update", "30"),
    ] {
        assert!(words.iter().any(|w| w[..3] == [layer, phase, calls]), "{layer} {phase}: {told}");
    }
    assert_eq!(words.last().unwrap()[..2], ["step", "30"]);
}

#[test]
fn a_profiles_time_line_shows_the_first_steps() {
    let sandbox = Sandbox::new();
    sandbox.ok("train --config tiny.toml --out run --threads 2 --epochs 3 --profile --quiet");
    let text = fs::read_to_string(sandbox.path("run/profile.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let spans: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    let steps: Vec<_> = spans.iter().filter(|event| event["cat"] == "step").collect();
    assert_eq!(steps.len(), 20, "of 30");
    let ends = |event: &serde_json::Value| {
        let [start, length] = ["ts", "dur"].map(|key| event[key].as_f64().unwrap());
        (start, start + length)
    };
    for span in &spans {
        let step = steps[span["args"]["step"].as_u64().unwrap() as usize];
        let ((start, end), (first, last)) = (ends(span), ends(step));
        // Microseconds, whose third decimal may be rounded.
        assert!(start >= first - 0.002 && end <= last + 0.002, "{span} outside {step}");
        for layer in span["args"]["layers"].as_array().unwrap() {
            let known = ["average_pooling2d", "flatten", "dropout", "dense"];
            assert!(known.contains(&layer.as_str().unwrap()), "{layer}");
        }
    }
}

#[test]
fn optimizers_and_schedules_are_chosen_with_their_settings() {
    let sandbox = Sandbox::new();
    for (options, parts) in [
        (
            "--optimizer adamw --weight-decay 0.1 --global-clipnorm 1 --schedule cosine --warmup 0.5",
            // 200 images in batches of 20: ten steps an epoch.
            &[
                "weight_decay = 0.1",
                "global_clipnorm = 1.0",
                "decay_steps = 15",
                "warmup_steps = 5",
            ][..],
        ),
        (
            "--optimizer rmsprop --momentum 0.5 --set rho=0.8 --set centered=true --ema 0.9",
            &["momentum = 0.5", "rho = 0.8", "centered = true", "use_ema = true", "= 0.9"],
        ),
        (
            "--optimizer muon --accumulate 2 --set exclude_from_weight_decay=[\"dense\"]",
            &["name = \"muon\"", "gradient_accumulation_steps = 2", "[\"dense\"]"],
        ),
        ("--schedule step --decay-epochs 1 --decay-rate 0.5", &["step_size = 10", "gamma = 0.5"]),
        (
            "--loss binary_crossentropy --label-smoothing 0.1 --class-weights balanced",
            &["name = \"binary_crossentropy\"", "label_smoothing = 0.1", "class_weights = ["],
        ),
        ("--schedule one-cycle", &["name = \"one_cycle\"", "total_steps = 20"]),
    ] {
        let _ = fs::remove_dir_all(sandbox.path("run"));
        sandbox.ok(&format!("train --config tiny.toml --quiet --out run {options}"));
        let config = fs::read_to_string(sandbox.path("run/config.toml")).unwrap();
        for part in parts {
            assert!(config.contains(part), "no {part} in {config}");
        }
        // The configuration is one that can be repeated.
        let history = fs::read(sandbox.path("run/history.csv")).unwrap();
        assert!(history.starts_with(b"epoch,loss,accuracy,val_loss,val_accuracy,seconds,learning"));
    }
    sandbox.ok("train --config run/config.toml --quiet --out again");
    let rates = |run: &str| {
        let history = fs::read_to_string(sandbox.path(&format!("{run}/history.csv"))).unwrap();
        let rate = |line: &str| line.rsplit(',').next().unwrap().parse::<f64>().unwrap();
        history.lines().skip(1).map(rate).collect::<Vec<_>>()
    };
    let cycle = rates("run");
    assert!(cycle[0] > 100.0 * cycle[1], "{cycle:?}");
    assert_eq!(rates("again"), cycle);
}

#[test]
fn a_reader_that_leaves_does_not_end_the_training() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("train --config tiny.toml --out run");
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_complete(&sandbox.path("run"));
}
