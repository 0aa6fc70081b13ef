/** The loss of an ESMM (Ma et al., "Entire Space Multi-Task Model", SIGIR 2018), on TensorFlow.js. */
import * as tf from '@tensorflow/tfjs';

/**
 * Of each impression, log P(click) + log P(click ∧ conversion) of what happened, where pCTCVR = pCTR · pCVR. Conversions are judged
 * over all impressions, so that pCVR is not biased to what was clicked.
 * @param ctr logits of a click, and `cvr` of a conversion given a click; labels are 0 or 1 in the same shape
 */
export function entireSpaceLogLikelihood(
  { ctr, cvr }: { ctr: tf.Tensor; cvr: tf.Tensor },
  click: tf.Tensor,
  conversion: tf.Tensor,
): tf.Tensor {
  const logClick = logSigmoid(ctr);
  const logBoth = tf.minimum(tf.add(logClick, logSigmoid(cvr)), -1e-6);
  const logNotBoth = tf.log(tf.sub(1, tf.exp(logBoth)));
  return tf.add(
    bernoulli(click, logClick, logSigmoid(tf.neg(ctr))),
    bernoulli(conversion, logBoth, logNotBoth),
  );
}

/** `tf.logSigmoid` reads a disposed tensor in its gradient (tfjs 4.22.0). */
function logSigmoid(x: tf.Tensor): tf.Tensor {
  return tf.neg(tf.softplus(tf.neg(x)));
}

/** y·log p + (1 − y)·log(1 − p) */
function bernoulli(label: tf.Tensor, logYes: tf.Tensor, logNo: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(label, logYes), tf.mul(tf.sub(1, label), logNo));
}
