//! Agreement beyond chance.

use crate::ConfusionMatrix;

/// Sums of a confusion matrix: samples, right ones, and over classes the sums of true times
/// predicted, of true squared, of predicted squared.
fn sums(matrix: &ConfusionMatrix) -> [f64; 5] {
    let (mut sums, classes) = ([0.0; 5], 0..matrix.classes().len());
    for class in classes {
        let [right, truth, predicted] =
            [matrix.get(class, class), matrix.support(class), matrix.predicted(class)]
                .map(|count| count as f64);
        let terms = [truth, right, truth * predicted, truth * truth, predicted * predicted];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
    sums
}

/// Cohen's kappa (1960): `(a - c) / (1 - c)` with `a` the accuracy and `c` what it would be by
/// chance, with as many samples of each class and as many taken for each. 0 where `c` is 1, that is,
/// where there is one class alone.
pub fn cohen_kappa(matrix: &ConfusionMatrix) -> f64 {
    let [samples, right, by_chance, ..] = sums(matrix);
    let most = samples * samples - by_chance;
    if most > 0.0 { (right * samples - by_chance) / most } else { 0.0 }
}

/// Matthews correlation coefficient, for any number of classes (Gorodkin 2004); 0 where one class
/// is all that is true or predicted.
pub fn matthews_correlation(matrix: &ConfusionMatrix) -> f64 {
    let [samples, right, by_chance, truth, predicted] = sums(matrix);
    let square = samples * samples;
    let below = ((square - truth) * (square - predicted)).sqrt();
    if below > 0.0 { (right * samples - by_chance) / below } else { 0.0 }
}
