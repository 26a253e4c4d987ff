//! What does not fit together is refused in words that say what, where and what to do.

use lenslet_model::layers::{
    self, Conv2D, Dense, Dropout, ELU, Flatten, LeakyReLU, MaxPool2D, Maxout,
};
use lenslet_model::{
    Activation, Graph, Initializer, Layer, Padding, Regularizer, Sequential, from_json, from_toml,
    zoo_model,
};

#[test]
fn layers_that_do_not_fit() {
    let picture = || Sequential::new((8, 8, 3));
    let cases: Vec<(Sequential, [&str; 3])> = vec![
        (picture(), ["no layers", "add at least one", ""]),
        (
            Sequential::new((8, 0, 3)).add(Flatten::new()),
            ["input shape", "(None, 8, 0, 3)", "at least 1"],
        ),
        (
            Sequential::new([1 << 20, 1 << 20, 3]).add(Flatten::new()),
            ["input shape", "too large", "at most"],
        ),
        (
            picture().add(Flatten::new()).add(Conv2D::new(4, 3)),
            ["layer 2 `conv2d` (Conv2D)", "(None, 192)", "before any Flatten"],
        ),
        (
            picture().add(Conv2D::new(4, 9)),
            [
                "layer 1 `conv2d`",
                "window (9, 9) does not fit into a picture of 8x8",
                "smaller kernel_size",
            ],
        ),
        (
            picture()
                .add(MaxPool2D::new(2))
                .add(MaxPool2D::new(2))
                .add(MaxPool2D::new(2))
                .add(MaxPool2D::new(2)),
            ["layer 4 `max_pooling2d_3` (MaxPooling2D)", "picture of 1x1", "fewer pooling layers"],
        ),
        (picture().add(Conv2D::new(0, 3)), ["`conv2d`", "filters = 0", "between 1 and"]),
        (
            picture().add(Conv2D::new(4, (3, 0))),
            ["`conv2d`", "kernel_size = (3, 0)", "between 1 and"],
        ),
        (
            picture().add(Conv2D::new(4, 3).strides(0)),
            ["`conv2d`", "strides = (0, 0)", "between 1 and"],
        ),
        (
            picture().add(Conv2D::new(4, 3).dilation_rate((1, 0))),
            ["`conv2d`", "dilation_rate = (1, 0)", "between 1"],
        ),
        (picture().add(Dense::new(0)), ["`dense` (Dense)", "units = 0", "between 1 and"]),
        (picture().add(Maxout::new(4, 0)), ["`maxout` (Maxout)", "pieces = 0", "between 1 and"]),
        (picture().add(Dropout::new(1.0)), ["`dropout` (Dropout)", "rate = 1", "below 1"]),
        (picture().add(Dropout::new(f64::NAN)), ["`dropout`", "rate = NaN", "below 1"]),
        (picture().add(ELU::new(-1.0)), ["`elu` (ELU)", "alpha = -1", "at least 0"]),
        (
            picture().add(LeakyReLU::new(f64::INFINITY)),
            ["`leaky_re_lu`", "negative_slope = inf", "finite"],
        ),
        (
            picture().add(Flatten::new()).add(Dense::new(1 << 20)).add(Dense::new(1 << 20)),
            ["layer 3 `dense_1`", "too large", "parameters"],
        ),
        (
            picture().add_named("a", Flatten::new()).add_named("a", Dense::new(2)),
            ["two layers are called `a`", "another name", ""],
        ),
        (picture().add_named("a/b", Flatten::new()), ["\"a/b\" cannot be a name", "letters", ""]),
    ];
    for (model, words) in cases {
        let message = model.build().unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "{word:?} is missing in: {message}");
        }
    }
}

#[test]
fn an_output_that_names_no_classes() {
    let network = Sequential::new((8, 8, 3)).add(Conv2D::new(10, 1)).build().unwrap();
    let message = network.check_classes(10).unwrap_err().to_string();
    assert!(message.contains("(None, 8, 8, 10) does not fit 10 classes"), "{message}");
    assert!(message.contains("units = 10"), "{message}");
}

#[test]
fn texts_that_cannot_be_read() {
    let layer = |text: &str| format!("input = [8, 8, 3]\n[[layers]]\n{text}\n");
    let cases = [
        (
            layer("type = \"Conv3D\"\nfilters = 2"),
            vec!["unknown variant `Conv3D`", "did you mean `Conv2D`?"],
        ),
        (
            layer("type = \"Dense\"\nunit = 2"),
            vec!["unknown field `unit`", "did you mean `units`?"],
        ),
        (layer("type = \"Conv2D\"\nfilters = 2"), vec!["missing field `kernel_size`"]),
        (
            layer("type = \"Conv2D\"\nfilters = 2\nkernel_size = \"3\""),
            vec!["whole number, or two of them"],
        ),
        (
            layer("type = \"Dense\"\nunits = 2\nactivation = \"rellu\""),
            vec!["unknown activation `rellu`", "did you mean `relu`?"],
        ),
        (
            layer("type = \"Dense\"\nunits = 2\nactivation = { name = \"relu\", alpha = 1.0 }"),
            vec!["`relu` has no `alpha`"],
        ),
        (
            layer("type = \"Conv2D\"\nfilters = 2\nkernel_size = 3\npadding = \"sam\""),
            vec!["did you mean `same`?"],
        ),
        (layer("type = \"Dropout\"\nrate = \"half\""), vec!["half"]),
        ("input = [8, 8, 3]\nlayer = []".to_owned(), vec!["did you mean `layers`?"]),
        ("input = [8, 8".to_owned(), vec!["line 1"]),
    ];
    for (text, words) in cases {
        let message = from_toml(&text).unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "{word:?} is missing in: {message}");
        }
    }
}

#[test]
fn a_model_nobody_knows() {
    let message = zoo_model("cnm", (8, 8, 3), 2).unwrap_err().to_string();
    assert!(message.contains("did you mean `cnn`?"), "{message}");
    let message = zoo_model("inception", (8, 8, 3), 2).unwrap_err().to_string();
    assert!(message.contains("known: cnn, lenet5"), "{message}");
}

#[test]
fn every_layer_survives_a_file() {
    let layers: Vec<Layer> = vec![
        layers::ZeroPadding2D::new(((1, 0), (2, 1))).into(),
        layers::Cropping2D::new((1, 0)).into(),
        layers::Rescaling::new(2.0).offset(-1.0).into(),
        layers::Normalization::new().into(),
        layers::Normalization::with([0.5], [0.1, 0.2, 0.3]).into(),
        layers::BatchNormalization::new().momentum(0.9).center(false).into(),
        layers::LayerNormalization::new().epsilon(1e-6).into(),
        layers::GroupNormalization::new(-1).scale(false).into(),
        layers::SpatialDropout2D::new(0.25).into(),
        layers::GaussianNoise::new(0.1).into(),
        layers::PReLU::new().shared_axes([1, 2]).into(),
        layers::DepthwiseConv2D::new(1)
            .depth_multiplier(2usize)
            .depthwise_regularizer(Regularizer::l1_l2(0.1, 0.2))
            .into(),
        layers::SeparableConv2D::new(6, 1)
            .pointwise_initializer(Initializer::HeNormal)
            .activation(Activation::Gelu { approximate: true })
            .into(),
        Conv2D::new(4, 1)
            .groups(2usize)
            .kernel_initializer(Initializer::TruncatedNormal { mean: 0.0, stddev: 0.02 })
            .bias_initializer(Initializer::Constant { value: 0.1 })
            .kernel_regularizer(Regularizer::l2(1e-4))
            .into(),
        Conv2D::new(4, (3, 2))
            .strides((1, 2))
            .padding(Padding::Same)
            .dilation_rate(2)
            .use_bias(false)
            .activation(Activation::LeakyRelu { negative_slope: 0.1 })
            .into(),
        MaxPool2D::new(2).strides(1).into(),
        layers::AveragePool2D::new(2).padding(Padding::Same).into(),
        layers::SumPool2D::new((1, 2)).into(),
        Activation::Elu { alpha: 0.5 }.into(),
        Activation::Tanh.into(),
        layers::ReLU::new().into(),
        LeakyReLU::default().into(),
        ELU::new(0.7).into(),
        Dropout::new(0.25).into(),
        layers::GlobalMaxPooling2D::new().keepdims(true).into(),
        layers::GlobalAveragePooling2D::new().keepdims(true).into(),
        layers::Reshape::new([2, -1]).into(),
        Flatten::new().into(),
        Maxout::new(5, 3).use_bias(false).into(),
        Dense::new(2).activation(Activation::Sigmoid).into(),
        layers::Softmax::new().into(),
    ];
    let mut model = Sequential::new((8, 8, 3));
    for layer in layers {
        model = model.add(layer);
    }
    model = model.add_named("last", Dense::new(3));
    let model = Graph::from(model);
    assert_eq!(from_toml(&lenslet_model::to_toml(&model)), Ok(model.clone()));
    assert_eq!(from_json(&lenslet_model::to_json(&model)), Ok(model));
}

#[test]
fn keras_names_are_understood_too() {
    let text = "input = [8, 8, 3]\n[[layers]]\ntype = \"MaxPooling2D\"\npool_size = 2\n";
    let model = from_toml(text).unwrap();
    assert_eq!(model.layers[0].layer, MaxPool2D::new(2).into());
}

#[test]
fn names_count_by_type_and_avoid_the_users_own() {
    let network = Sequential::new((8, 8, 3))
        .add(Conv2D::new(2, 1))
        .add(Conv2D::new(2, 1))
        .add_named("conv2d_2", Flatten::new())
        .add(Dense::new(2))
        .add(Activation::Softmax)
        .build()
        .unwrap();
    let names: Vec<_> = network.nodes().iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["conv2d", "conv2d_1", "conv2d_2", "dense", "activation"]);
    let parameters: Vec<_> = network.parameters().iter().map(|p| p.name.as_str()).collect();
    assert_eq!(parameters[..2], ["conv2d/kernel", "conv2d/bias"]);
    assert_eq!(network.parameters()[1].range, 6..8);
}
