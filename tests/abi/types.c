/* SPDX-License-Identifier: Apache-2.0 */
/* Every public struct in one shared object, so that abidw records layouts that no function of the library shows
 * (plugins pass them through pointers to void), and the numbers of all constants. */
#include <fairvox/fairvox.h>

#define SHOW(type_)                                                                                \
	FV_EXPORT const type_ *show_##type_(const type_ *p);                                       \
	const type_ *show_##type_(const type_ *p)                                                  \
	{                                                                                          \
		return p;                                                                          \
	}

SHOW(fv_descriptor)
SHOW(fv_param)
SHOW(fv_list)
SHOW(fv_preset)
SHOW(fv_loss_ops)
SHOW(fv_loss_setup)
SHOW(fv_rows)
SHOW(fv_counts)
SHOW(fv_batch)
SHOW(fv_stages_1)
SHOW(fv_stage)
SHOW(fv_networks_1)
SHOW(fv_grouper_ops)
SHOW(fv_grouper_input)
SHOW(fv_grouping)
SHOW(fv_encoder_ops)
SHOW(fv_encoder_info)
SHOW(fv_output)
SHOW(fv_fits_1)
SHOW(fv_fit)
SHOW(fv_tensor)
SHOW(fv_expected)
SHOW(fv_others)
SHOW(fv_trunk_shape)
SHOW(fv_pitch_options)
SHOW(fv_stream)
SHOW(fv_matrix)
SHOW(fv_affine)
SHOW(fv_convolution)

#define SAME(constant_, number_) _Static_assert((constant_) == (number_), #constant_ " has changed")

SAME(FV_ABI, 2);
SAME(FV_OK, 0);
SAME(FV_FAILED, 1);
SAME(FV_CONFIG, 2);
SAME(FV_DATA, 4);
SAME(FV_STOPPED, 75);
SAME(FV_USE_FEATURES, 1);
SAME(FV_USE_COLUMN, 2);
SAME(FV_USE_CLASS, 4);
SAME(FV_USE_SPEAKER, 8);
SAME(FV_USE_FILE, 16);
SAME(FV_USE_DURATION, 32);
SAME(FV_NETWORKS_SIGMOID, 1);
SAME(FV_NETWORKS_BARE, 2);
SAME(FV_TENSOR_RANK_MAX, 8);
SAME(FV_PREFIX_MAX, 256);
SAME(FV_TRUNK_CONVS, 16);
SAME(FV_F32, 0);
SAME(FV_F64, 1);
SAME(FV_I32, 2);
SAME(FV_I64, 3);
SAME(FV_U8, 4);
SAME(FV_ENCODER, 1);
SAME(FV_GROUPER, 2);
SAME(FV_LOSS, 3);
SAME(FV_INT, 1);
SAME(FV_REAL, 2);
SAME(FV_BOOL, 3);
SAME(FV_CHOICE, 4);
SAME(FV_STRING, 5);
SAME(FV_PATH, 6);
SAME(FV_LIST, 7);
SAME(FV_LOSS_REF, 8);
SAME(FV_COL_FEATURE, 0);
SAME(FV_COL_PROBABILITY, 1);
SAME(FV_COL_VALUE, 2);
SAME(FV_STANDARDIZE_NONE, 0);
SAME(FV_STANDARDIZE_TRAIN, 1);
SAME(FV_STANDARDIZE_SPEAKER, 2);
SAME(FV_SOFT_CE, 0);
SAME(FV_BCE, 1);
SAME(FV_FOCAL, 2);
SAME(FV_PRECISION_FP32, 0);
SAME(FV_PRECISION_BF16X3, 1);
SAME(FV_PRECISION_BF16, 2);
SAME(FV_ACTIVATION_NONE, 0);
SAME(FV_ACTIVATION_RELU, 1);
SAME(FV_ACTIVATION_GELU, 2);
SAME(sizeof FV_STAGES_1, sizeof "fv.stages/1");
SAME(sizeof FV_NETWORKS_1, sizeof "fv.networks/1");
SAME(sizeof FV_FITS_1, sizeof "fv.fits/1");
