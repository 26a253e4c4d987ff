//! Tensors whose numbers were counted.

use super::proto::{DataType, TensorProto};
use super::wire::damaged;
use crate::FormatError;

/// A tensor of a file: as many numbers as its shape says.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name; may be empty.
    pub name: String,
    /// Its shape; empty for a single number.
    pub dims: Vec<usize>,
    /// Its numbers, the last axis fastest.
    pub data: TensorData,
}

/// Numbers of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorData {
    /// `float`.
    Float(Vec<f32>),
    /// `double`.
    Double(Vec<f64>),
    /// `int8`.
    Int8(Vec<i8>),
    /// `uint8`.
    Uint8(Vec<u8>),
    /// `int16`.
    Int16(Vec<i16>),
    /// `uint16`.
    Uint16(Vec<u16>),
    /// `int32`.
    Int32(Vec<i32>),
    /// `uint32`.
    Uint32(Vec<u32>),
    /// `int64`.
    Int64(Vec<i64>),
    /// `uint64`.
    Uint64(Vec<u64>),
    /// `bool`.
    Bool(Vec<bool>),
}

impl Tensor {
    /// Checks and takes the numbers of a tensor.
    ///
    /// # Errors
    /// Where the type is not one of [`TensorData`], a dimension is negative, or there are not as
    /// many numbers as the shape says.
    pub fn new(proto: &TensorProto) -> Result<Self, FormatError> {
        let name = proto.name.clone();
        let dims: Option<Vec<usize>> = proto.dims.iter().map(|&d| d.try_into().ok()).collect();
        let shape = || format!("the tensor {name:?} has the shape {:?}", proto.dims);
        let dims = dims.ok_or_else(|| damaged(shape()))?;
        let expected = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let data = TensorData::new(proto)?;
        if expected != Some(data.len()) {
            return Err(damaged(format!("{}, but {} numbers", shape(), data.len())));
        }
        Ok(Self { name, dims, data })
    }
}

impl TensorData {
    fn new(proto: &TensorProto) -> Result<Self, FormatError> {
        use DataType::{
            Bool, Double, Float, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64,
        };
        let kind = DataType::try_from(proto.data_type).unwrap_or(DataType::Undefined);
        let out_of_range = || {
            damaged(format!("a number of the tensor {:?} is out of its type's range", proto.name))
        };
        /// The list's numbers in a narrower type.
        macro_rules! narrow {
            ($list:ident, $t:ty) => {{
                let all: Result<Vec<$t>, _> = proto.$list.iter().map(|&x| x.try_into()).collect();
                all.map_err(|_| out_of_range())?
            }};
        }
        /// The raw numbers where there are any, else the list's.
        macro_rules! numbers {
            ($t:ty, $list:expr) => {
                match &proto.raw_data {
                    Some(bytes) => raw(bytes, <$t>::from_le_bytes)
                        .ok_or_else(|| damaged(cut(&proto.name, bytes.len())))?,
                    None => $list,
                }
            };
        }
        Ok(match kind {
            Float => Self::Float(numbers!(f32, proto.float_data.clone())),
            Double => Self::Double(numbers!(f64, proto.double_data.clone())),
            Int8 => Self::Int8(numbers!(i8, narrow!(int32_data, i8))),
            Uint8 => Self::Uint8(numbers!(u8, narrow!(int32_data, u8))),
            Int16 => Self::Int16(numbers!(i16, narrow!(int32_data, i16))),
            Uint16 => Self::Uint16(numbers!(u16, narrow!(int32_data, u16))),
            Int32 => Self::Int32(numbers!(i32, proto.int32_data.clone())),
            Uint32 => Self::Uint32(numbers!(u32, narrow!(uint64_data, u32))),
            Int64 => Self::Int64(numbers!(i64, proto.int64_data.clone())),
            Uint64 => Self::Uint64(numbers!(u64, proto.uint64_data.clone())),
            Bool => {
                let bytes = numbers!(u8, narrow!(int32_data, u8));
                Self::Bool(bytes.into_iter().map(|byte| byte != 0).collect())
            }
            DataType::Undefined => {
                let what =
                    format!("the tensor {:?} is of the type {}", proto.name, type_name(proto));
                return Err(FormatError::unsupported(what, "convert it to float"));
            }
        })
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(x) => x.len(),
            Self::Double(x) => x.len(),
            Self::Int8(x) => x.len(),
            Self::Uint8(x) => x.len(),
            Self::Int16(x) => x.len(),
            Self::Uint16(x) => x.len(),
            Self::Int32(x) => x.len(),
            Self::Uint32(x) => x.len(),
            Self::Int64(x) => x.len(),
            Self::Uint64(x) => x.len(),
            Self::Bool(x) => x.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Little-endian numbers of `N` bytes each; `None` where bytes are left over.
fn raw<T, const N: usize>(bytes: &[u8], number: fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (numbers, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| numbers.iter().map(|&bytes| number(bytes)).collect())
}

fn cut(name: &str, bytes: usize) -> String {
    format!("the tensor {name:?} has {bytes} bytes, no whole number of its numbers")
}

/// ONNX's names of the types that are refused, else the number.
fn type_name(proto: &TensorProto) -> String {
    match proto.data_type {
        8 => "string".to_owned(),
        10 => "float16".to_owned(),
        14 => "complex64".to_owned(),
        15 => "complex128".to_owned(),
        16 => "bfloat16".to_owned(),
        other => format!("number {other}"),
    }
}
