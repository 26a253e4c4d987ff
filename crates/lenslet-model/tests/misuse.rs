//! Ways to misuse a layer in a model file: each is answered with what is wrong and what to do.

use lenslet_model::from_toml;

/// A layer of a file on pictures of 8x8x3, or its settings, and words of the answer.
const CASES: &[(&str, &[&str])] = &[
    ("type = 'Conv2D'\nfilters = 4\nkernel_size = 3\ngroups = 0", &["groups = 0", "between 1"]),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\ngroups = 2",
        &["groups = 2 does not divide the 3 channels", "multiples of groups"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\ngroups = 3",
        &["groups = 3 does not divide the 4 filters"],
    ),
    (
        "type = 'Conv2D'\nfilters = -1\nkernel_size = 3",
        &["number `-1`", "a whole number, at least 0"],
    ),
    ("type = 'Conv2D'\nfilters = 2.5\nkernel_size = 3", &["number `2.5`", "a whole number"]),
    ("type = 'Conv2D'\nfilters = 4\nkernel_size = [1, 2, 3]", &["[height, width]"]),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nkernel_initializer = 'he_norm'",
        &["unknown initializer `he_norm`", "did you mean `he_normal`?"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nkernel_initializer = { stddev = 1.0 }",
        &["the initializer has no `name`", "as in \"zeros\""],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\n\
         kernel_initializer = { name = 'random_normal', sd = 1.0 }",
        &["`random_normal` has no `sd`", "`mean`, `stddev`"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\n\
         kernel_initializer = { name = 'random_normal', stddev = -1.0 }",
        &["stddev = -1 of its kernel_initializer", "at least 0"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\n\
         kernel_initializer = { name = 'random_uniform', minval = 1.0 }",
        &["minval = 1 above maxval = 0.05", "exchange the two"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\n\
         kernel_initializer = { name = 'zeros', value = 1.0 }",
        &["`zeros` has no `value`", "no settings"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nbias_initializer = 'orthogonal'",
        &["bias_initializer `orthogonal` is for matrices", "for a vector"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nkernel_regularizer = 'l2'",
        &["\"l2\"", "as in { l2 = 0.0001 }"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nkernel_regularizer = { l3 = 0.1 }",
        &["unknown field `l3`", "expected `l1` or `l2`"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nkernel_regularizer = { l2 = -0.1 }",
        &["l2 = -0.1 of its kernel_regularizer", "at least 0"],
    ),
    (
        "type = 'Conv2D'\nfilters = 4\nkernel_size = 3\nactivity_regularizer = { l1 = inf }",
        &["l1 = inf of its activity_regularizer", "finite"],
    ),
    ("type = 'DepthwiseConv2D'", &["missing field `kernel_size`"]),
    ("type = 'DepthwiseConv2D'\nkernel_size = 9", &["window (9, 9)", "padding = \"same\""]),
    (
        "type = 'DepthwiseConv2D'\nkernel_size = 3\ndepth_multiplier = 0",
        &["depth_multiplier = 0", "between 1"],
    ),
    (
        "type = 'DepthwiseConv2D'\nkernel_size = 3\nfilters = 3",
        &["unknown field `filters`", "depth_multiplier"],
    ),
    ("type = 'SeparableConv2D'\nkernel_size = 3", &["missing field `filters`"]),
    ("type = 'SeparableConv2D'\nfilters = 0\nkernel_size = 3", &["filters = 0"]),
    ("type = 'BatchNormalization'\nmomentum = 1.5", &["momentum = 1.5", "0.99"]),
    ("type = 'BatchNormalization'\nmomentum = nan", &["momentum = NaN", "between 0 and 1"]),
    ("type = 'BatchNormalization'\nepsilon = 0.0", &["epsilon = 0", "above 0"]),
    ("type = 'BatchNorm'", &["unknown variant `BatchNorm`", "did you mean `BatchNormalization`?"]),
    ("type = 'LayerNormalization'\nepsilon = -1.0", &["epsilon = -1", "above 0"]),
    ("type = 'GroupNormalization'", &["groups = 32 does not divide its 3 channels", "-1"]),
    ("type = 'GroupNormalization'\ngroups = 0", &["groups = 0 does not divide", "divisor"]),
    ("type = 'GroupNormalization'\ngroups = -2", &["groups = -2 does not divide"]),
    ("type = 'GlobalAveragePooling2D'\nkeepdim = true", &["did you mean `keepdims`?"]),
    (
        "type = 'Flatten'\n[[layers]]\ntype = 'GlobalMaxPooling2D'",
        &["layer 2 `global_max_pooling2d`", "needs a picture", "before any Flatten"],
    ),
    ("type = 'ZeroPadding2D'\npadding = [1, 2, 3]", &["[[top, bottom], [left, right]]"]),
    ("type = 'ZeroPadding2D'\npadding = 100000", &["((100000, 100000)", "at most"]),
    ("type = 'Cropping2D'\ncropping = 4", &["leaves nothing of 8x8", "less than the picture"]),
    ("type = 'Cropping2D'\ncropping = -1", &["whole number"]),
    ("type = 'Reshape'", &["missing field `target_shape`"]),
    ("type = 'Reshape'\ntarget_shape = [5, -1]", &["[5, -1]", "192 numbers", "whatever is left"]),
    ("type = 'Reshape'\ntarget_shape = [-1, -1]", &["[-1, -1]", "one may be -1"]),
    ("type = 'Reshape'\ntarget_shape = [0, 4]", &["[0, 4]", "product"]),
    ("type = 'Reshape'\ntarget_shape = [191]", &["[191]", "192 numbers"]),
    ("type = 'Reshape'\ntarget_shape = []", &["[]", "192 numbers"]),
    ("type = 'Rescaling'", &["missing field `scale`"]),
    ("type = 'Rescaling'\nscale = inf", &["scale = inf", "finite"]),
    ("type = 'Rescaling'\nscale = 1.0\noffset = nan", &["offset = NaN", "finite"]),
    ("type = 'Normalization'\nmean = [0.5]", &["only one of mean and variance", "give both"]),
    (
        "type = 'Normalization'\nmean = [0.5, 0.5]\nvariance = [1.0]",
        &["mean has 2 numbers, but its axis has 3 places", "one for all"],
    ),
    (
        "type = 'Normalization'\nmean = [0.5]\nvariance = [-1.0]",
        &["variance holds -1", "at least 0"],
    ),
    ("type = 'SpatialDropout2D'\nrate = 1.0", &["rate = 1", "below 1"]),
    (
        "type = 'Flatten'\n[[layers]]\ntype = 'SpatialDropout2D'\nrate = 0.5",
        &["needs a picture", "(None, 192)"],
    ),
    ("type = 'GaussianNoise'\nstddev = 2.0", &["stddev = 2", "between 0 and 1"]),
    ("type = 'GaussianNoise'\nstddev = -0.1", &["stddev = -0.1"]),
    ("type = 'PReLU'\nshared_axes = [0]", &["shared_axes holds 0", "axes 1 to 3"]),
    ("type = 'PReLU'\nshared_axes = [4]", &["shared_axes holds 4", "[1, 2]"]),
    ("type = 'PReLU'\nalpha_initializer = 'identity'\nshared_axes = 1", &["number `1`"]),
    ("type = 'Activation'\nactivation = 'soft_plus'", &["`soft_plus`", "did you mean `softplus`?"]),
    (
        "type = 'Activation'\nactivation = { name = 'gelu', approximate = 1.0 }",
        &["`approximate` of `gelu` must be true or false"],
    ),
    (
        "type = 'Activation'\nactivation = { name = 'elu', alpha = true }",
        &["`alpha` of `elu` must be a number"],
    ),
    (
        "type = 'Activation'\nactivation = { name = 'elu', alpha = 'big' }",
        &["a number, or true or false"],
    ),
    ("type = 'Activation'\nactivation = 3", &["the name of an activation"]),
    ("type = 'Add'", &["`add` (Add)", "has one input", "at least two"]),
    ("type = 'Multiply'\ninputs = ['input_layer']", &["`multiply` (Multiply)", "at least two"]),
    ("type = 'Concatenate'", &["`concatenate` (Concatenate)", "at least two"]),
    (
        "type = 'BatchNormalization'\naxis = 1",
        &["axis = 1 is not at the end", "channels lie there"],
    ),
    ("type = 'BatchNormalization'\naxis = [2, 3]", &["axis = [2, 3]", "not its channels alone"]),
    ("type = 'GroupNormalization'\naxis = 4", &["axis = 4", "has axes 1 to 3"]),
    ("type = 'LayerNormalization'\naxis = [1, 3]", &["axis = [1, 3]", "only the last axes"]),
    ("type = 'LayerNormalization'\naxis = []", &["axis = [] names no axis"]),
    ("type = 'LayerNormalization'\naxis = 'channels'", &["the number of an axis, or a list"]),
    ("type = 'Softmax'\naxis = 0", &["axis = 0", "axis 0 is the batch"]),
    ("type = 'Normalization'\naxis = 1", &["axis = 1 is not at the end", "only the last axes"]),
    (
        "type = 'Normalization'\naxis = []\nmean = [0.5, 0.5, 0.5]\nvariance = [1.0]",
        &["mean has 3 numbers, but its axis has 1 places"],
    ),
    (
        "type = 'Concatenate'\naxis = [1, 2]\ninputs = ['input_layer', 'input_layer']",
        &["axis = [1, 2] is not one axis"],
    ),
    (
        "name = 'a'\ntype = 'MaxPool2D'\n[[layers]]\ntype = 'Multiply'\ninputs = ['a', 'input_layer']",
        &["(None, 4, 4, 3) and (None, 8, 8, 3)", "axes of length 1, which are repeated"],
    ),
    (
        "name = 'a'\ntype = 'MaxPool2D'\n[[layers]]\ntype = 'Concatenate'\naxis = 1\n\
         inputs = ['a', 'input_layer']",
        &["(None, 4, 4, 3) and (None, 8, 8, 3)", "but that axis must be the same"],
    ),
    ("filters = 3", &["type"]),
    ("type = 'Dense'\nunits = 10\nname = 5", &["number `5`", "expected a string"]),
    ("type = 'Dense'\nunits = 10\nname = ''", &["cannot be a name", "letters"]),
    ("type = 'Dense'\nunits = 1048577", &["units = 1048577", "between 1 and 1048576"]),
];

#[test]
fn every_misuse_is_explained() {
    let mut failures = Vec::new();
    for (layer, words) in CASES {
        let text = format!("input = [8, 8, 3]\n[[layers]]\n{layer}\n");
        let answer = match from_toml(&text).and_then(|graph| graph.build()) {
            Err(answer) => answer.to_string(),
            Ok(_) => "it was accepted".to_owned(),
        };
        if let Some(word) = words.iter().find(|word| !answer.contains(**word)) {
            failures.push(format!("{word:?} is missing in the answer to {layer}: {answer}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
