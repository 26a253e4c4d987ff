//! The models that have a name are the ones that their authors meant: parameter counts.

use lenslet_model::{Activation, zoo, zoo_model};

/// Name, input, classes, trainable parameters, and who counts as many.
const COUNTS: [(&str, [usize; 3], usize, usize, &str); 11] = [
    ("cnn", [32, 32, 3], 10, 1_060_138, "the tutorial's own table"),
    ("lenet5", [32, 32, 1], 10, 61_706, "Dive into Deep Learning, section 7.6"),
    ("lenet5", [28, 28, 1], 10, 61_706, "the same with a border of two zeros"),
    ("vgg11", [32, 32, 3], 10, 9_231_114, "kuangliu/pytorch-cifar, VGG('VGG11')"),
    ("vgg16", [32, 32, 3], 10, 14_728_266, "kuangliu/pytorch-cifar, VGG('VGG16')"),
    // He et al. 2016, table 6: 0.27 M and 0.85 M.
    ("resnet20", [32, 32, 3], 10, 269_722, "akamaster/pytorch_resnet_cifar10"),
    ("resnet56", [32, 32, 3], 10, 853_018, "akamaster/pytorch_resnet_cifar10"),
    ("resnet18", [224, 224, 3], 1000, 11_689_512, "torchvision.models.resnet18"),
    ("resnet18", [32, 32, 3], 10, 11_181_642, "torchvision.models.resnet18(num_classes=10)"),
    // Zagoruyko and Komodakis 2016, table 1, counted as xternalz/WideResNet-pytorch lays it out.
    ("wide_resnet_16_4", [32, 32, 3], 10, 2_748_890, "xternalz/WideResNet-pytorch"),
    ("mobilenet_v2", [32, 32, 3], 10, 2_236_682, "torchvision.models.mobilenet_v2(num_classes=10)"),
];

#[test]
fn parameters_are_the_references() {
    for (name, input, classes, count, source) in COUNTS {
        let network = zoo_model(name, input, classes).unwrap().build().unwrap();
        assert_eq!(network.trainable_count(), count, "{name}, as in {source}");
    }
    for model in zoo() {
        assert!(COUNTS.iter().any(|row| row.0 == model.name), "{} is not counted", model.name);
    }
}

/// He et al. 2016, table 1: 1.8e9 multiply-adds; Sandler et al. 2018 count theirs likewise.
#[test]
fn arithmetic_is_the_papers() {
    let network = zoo_model("resnet18", [224, 224, 3], 1000).unwrap().build().unwrap();
    assert_eq!(network.multiply_adds() / 10_000_000, 181);
    let network = zoo_model("cnn", [32, 32, 3], 10).unwrap().build().unwrap();
    assert_eq!(network.multiply_adds(), 884_736 + 9_437_184 + 1_048_576 + 1_280);
}

/// A model is its text: what is trained today can be read tomorrow.
#[test]
fn every_model_survives_a_file() {
    for model in zoo() {
        let graph = model.model(model.input, model.classes);
        assert_eq!(lenslet_model::from_toml(&lenslet_model::to_toml(&graph)), Ok(graph.clone()));
        assert_eq!(lenslet_model::from_json(&lenslet_model::to_json(&graph)), Ok(graph));
    }
}

#[test]
fn every_model_takes_small_pictures() {
    for model in zoo() {
        let network = model.model([32, 32, 3], 7).build().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(network.output().dims(), [7], "{}", model.name);
    }
}

#[test]
fn each_can_give_many_labels() {
    for model in zoo() {
        let softmax = model.model(model.input, model.classes);
        let refusal = softmax.build().unwrap().check_many_labels().unwrap_err().to_string();
        assert!(refusal.contains("ends with softmax") && refusal.contains("sigmoid"), "{refusal}");
        let sigmoid = softmax.last_activation(Activation::Sigmoid).build().unwrap();
        assert!(sigmoid.gives_many_labels(), "{}", model.name);
        assert_eq!(sigmoid.check_many_labels(), Ok(()));
    }
}
