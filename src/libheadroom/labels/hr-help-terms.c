/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-help-private.h"

#include <glib/gi18n-lib.h>

static const HrHelpText terms[] = {
  {
    HR_HELP_SECTION_TERM, "token", N_("Token"),
    N_("A piece of text that the model reads or writes at once: a word, a part of one, or a character. Pictures and "
       "sounds become tokens too."),
  },
  {
    HR_HELP_SECTION_TERM, "parameter", N_("Parameters"),
    N_("The numbers that the model has learned. A model of 7 B has about 7 · 10⁹ of them; the exact number is the sum "
       "over all its tensors.\n\n"
       "10⁹ parameters take 4 GB (3.73 GiB) in FP32, 2 GB in BF16 or FP16, 1 GB in INT8, 0.5 GB in INT4 without its "
       "scales."),
  },
  {
    HR_HELP_SECTION_TERM, "tensor", N_("Tensor"),
    N_("An array of numbers with a shape, such as a matrix of 4096 × 4096. Memory is taken tensor by tensor, each "
       "rounded up to 512 bytes."),
  },
  {
    HR_HELP_SECTION_TERM, "config", N_("config.json"),
    N_("The file that says how a model is built: its layers, widths, heads, vocabulary and data type. It is enough "
       "to know all tensors."),
  },
  {
    HR_HELP_SECTION_TERM, "hidden-size", N_("Hidden size"),
    N_("The width of the vector that stands for a token between the layers (hidden_size, h)."),
  },
  {
    HR_HELP_SECTION_TERM, "layer", N_("Layer"),
    N_("One of the alike blocks that a token passes one after the other: attention, feed-forward block, and the "
       "norms before or after them (num_hidden_layers, L)."),
  },
  {
    HR_HELP_SECTION_TERM, "embedding", N_("Embedding"),
    N_("The table that gives each word of the vocabulary its vector: V × h parameters. It is looked up, so that it "
       "computes nothing."),
  },
  {
    HR_HELP_SECTION_TERM, "head-matrix", N_("Output head"),
    N_("The matrix that turns the last hidden state into a score for each word of the vocabulary: V × h parameters. "
       "Where it is tied (tie_word_embeddings) it is the embedding’s own matrix and takes nothing more."),
  },
  {
    HR_HELP_SECTION_TERM, "attention", N_("Attention"),
    N_("Each token asks (query) all earlier ones (keys) and takes a mixture of what they have to say (values). Four "
       "matrices: for queries, keys, values and the output."),
  },
  {
    HR_HELP_SECTION_TERM, "mha", N_("Multi-head attention (MHA)"),
    N_("Every query head has keys and values of its own. 4h² parameters in a layer, and a cache of 2h numbers for "
       "each token."),
  },
  {
    HR_HELP_SECTION_TERM, "gqa", N_("Grouped-query attention (GQA)"),
    N_("Several query heads share one key-value head: the cache is smaller by their number, and so are two of the "
       "four matrices. num_key_value_heads says how many there are."),
  },
  {
    HR_HELP_SECTION_TERM, "mqa", N_("Multi-query attention (MQA)"),
    N_("All query heads share one key-value head: the smallest cache of this kind."),
  },
  {
    HR_HELP_SECTION_TERM, "mla", N_("Latent attention (MLA)"),
    N_("Keys and values are expanded from a narrow latent (kv_lora_rank). An engine may cache the latent alone; "
       "transformers caches the expanded keys and values, which is much more."),
  },
  {
    HR_HELP_SECTION_TERM, "sliding-window", N_("Sliding window"),
    N_("A layer whose tokens see only the last few thousand tokens, and whose cache therefore stops growing at the "
       "window."),
  },
  {
    HR_HELP_SECTION_TERM, "rotary", N_("Rotary positions"),
    N_("Queries and keys are turned by an angle that depends on their place. Its table of frequencies is not "
       "trained, but takes memory as a buffer."),
  },
  {
    HR_HELP_SECTION_TERM, "feed-forward", N_("Feed-forward block"),
    N_("What follows the attention in a layer: 2 · h · i parameters, or 3 · h · i where it has a gate (SwiGLU, "
       "GeGLU). It has most of the parameters of a dense model."),
  },
  {
    HR_HELP_SECTION_TERM, "norm", N_("Norm"),
    N_("Brings the numbers of a vector to a common size. RMSNorm has one vector of weights, LayerNorm a second one "
       "of biases."),
  },
  {
    HR_HELP_SECTION_TERM, "experts", N_("Mixture of experts (MoE)"),
    N_("Several feed-forward blocks of which a router chooses a few for each token. All of them must be in memory, "
       "though a token computes with the chosen ones only (active parameters)."),
  },
  {
    HR_HELP_SECTION_TERM, "state-space", N_("State space and linear attention"),
    N_("Layers that keep a state of fixed size instead of keys and values of every token (Mamba, gated delta rule "
       "and others). Hybrid models have some layers of each kind."),
  },
  {
    HR_HELP_SECTION_TERM, "encoder-decoder", N_("Encoder and decoder"),
    N_("T5, BART and Whisper read with an encoder and write with a decoder, whose cross attention keeps keys and "
       "values of the whole input once. Most language models are decoders alone."),
  },
  {
    HR_HELP_SECTION_TERM, "causal", N_("Causal and prefix models"),
    N_("In a causal model (GPT, Llama) a token sees the earlier ones only. In a prefix model (GLM-130B, ChatGLM-6B) "
       "those of the prompt see each other; later GLM models are causal. It changes the mask, not the parameters."),
  },
  {
    HR_HELP_SECTION_TERM, "prompt", N_("Prompt and output"),
    N_("The tokens that are given, s, and those that are generated, n. The cache is largest at the end, with s + n "
       "tokens (the last one needs none)."),
  },
  {
    HR_HELP_SECTION_TERM, "batch", N_("Batch"),
    N_("Sequences that are computed at once. A larger batch makes more tokens a second of the same weights, and "
       "takes more cache and activations. Each beam of a beam search counts as a sequence."),
  },
  {
    HR_HELP_SECTION_TERM, "micro-batch", N_("Micro-batch and accumulation"),
    N_("What a GPU computes at once in training. Gradients of several micro-batches are added up before the "
       "optimizer steps, so that a large batch takes the memory of a small one: batch = micro-batch × accumulation × "
       "copies."),
  },
  {
    HR_HELP_SECTION_TERM, "flash-attention", N_("Flash attention"),
    N_("Computes attention block by block, so that the matrix of scores, which grows with the square of the length, "
       "never exists. PyTorch’s SDPA chooses such a kernel where it can; eager attention makes the matrix."),
  },
  {
    HR_HELP_SECTION_TERM, "data-type", N_("Data type"),
    N_("How a number is stored: FP32 takes 4 bytes, BF16 and FP16 2, FP8 and INT8 1, INT4 and FP4 half a byte. TF32 "
       "is a way to compute and takes 4. The precision explorer shows each bit by bit."),
  },
  {
    HR_HELP_SECTION_TERM, "quantization", N_("Quantization"),
    /* xgettext:no-c-format */
    N_("Matrices in 8 or 4 bits with a scale for each group of numbers: 4 bits are 4.1 to 4.5 in most formats. "
       "Embeddings, head and norms usually stay in 16 bits. Against FP32 INT8 is a quarter (75 % less) and INT4 an "
       "eighth (87.5 % less), against BF16 a half and a quarter.\n\n"
       "Articles say that INT8 costs less than 1 % of quality and INT4 1 to 3 %; they name no source, and it depends "
       "on the model and the method."),
  },
  {
    HR_HELP_SECTION_TERM, "mixed-precision", N_("Mixed precision"),
    N_("Training with 16-bit weights, gradients and activations beside FP32 master weights and optimizer states; or "
       "FP32 weights that are cast as they are used (autocast)."),
  },
  {
    HR_HELP_SECTION_TERM, "optimizer", N_("Optimizer"),
    N_("What changes the weights by their gradients. AdamW remembers two numbers for each parameter, SGD with "
       "momentum one, plain SGD none; Adafactor and 8-bit optimizers less than AdamW.\n\n"
       "Sparse optimizers change only those rows of an embedding that a batch has read, whose gradient is small then. "
       "The moments of torch’s SparseAdam are dense: it saves gradients and time, not states."),
  },
  {
    HR_HELP_SECTION_TERM, "trainable", N_("Trained parameters"),
    N_("Those that get gradients and optimizer states (P_t): none in inference, all in full fine-tuning, few with "
       "LoRA. They decide what training takes beside the activations."),
  },
  {
    HR_HELP_SECTION_TERM, "lora", N_("LoRA"),
    N_("Two narrow matrices beside a frozen one: r × (d_in + d_out) trained parameters for each chosen matrix, far "
       "below one percent at usual ranks. The frozen weights stay as large as they were."),
  },
  {
    HR_HELP_SECTION_TERM, "qlora", N_("QLoRA"),
    N_("LoRA beside weights in 4 bits (NF4), which are expanded matrix by matrix as they are used."),
  },
  {
    HR_HELP_SECTION_TERM, "prefix", N_("Prefix and prompt tuning"),
    N_("Trained keys and values before those of the text, in every layer (prefix), or trained vectors before the "
       "text (prompt): length × layers × 2 × kv_dim, or length × h parameters."),
  },
  {
    HR_HELP_SECTION_TERM, "checkpointing", N_("Gradient checkpointing"),
    N_("Only the inputs of layers are kept, 2·s·b·h bytes each, and what is between them is computed anew on the way "
       "back: a third more computing for most of the activations. Selective checkpointing computes some operators "
       "anew only."),
  },
  {
    HR_HELP_SECTION_TERM, "fused-loss", N_("Fused losses"),
    N_("Losses that read the head’s matrix and never hold all logits and their copies, which take b · s · V numbers: "
       "Liger-Kernel, cut cross entropy, chunked losses."),
  },
  {
    HR_HELP_SECTION_TERM, "packing", N_("Packing"),
    N_("Several short examples in one row, so that no memory goes to padding."),
  },
  {
    HR_HELP_SECTION_TERM, "sft", N_("Supervised fine-tuning (SFT)"),
    N_("Training on answers that somebody has written: one sequence for each example."),
  },
  {
    HR_HELP_SECTION_TERM, "dpo", N_("DPO"),
    N_("Training on pairs of a better and a worse answer: two sequences for each example, and a reference model, "
       "which adapters make by being switched off."),
  },
  {
    HR_HELP_SECTION_TERM, "grpo", N_("GRPO"),
    N_("Group Relative Policy Optimization: the model writes several answers to a prompt, and each is judged against "
       "the others of its group. It takes a generation with a cache, then a training step.\n\n"
       "It is often said that activations are 1 × in SFT, 2 × in DPO and k × in GRPO with k answers to a prompt. "
       "That holds where a micro-batch has prompts with all their answers; trainers count answers, so that one of "
       "GRPO takes what one of SFT of the same length takes. “headroom-cli sweep --by algorithm=sft,dpo,grpo” and "
       "pins in the window set them side by side."),
  },
  {
    HR_HELP_SECTION_TERM, "ppo", N_("PPO"),
    N_("The model writes answers, a reward model judges them, a value model foresees the reward, and a reference "
       "model keeps the policy near to where it began: up to four models at once."),
  },
  {
    HR_HELP_SECTION_TERM, "media-tokens", N_("Tokens of pictures, sounds and videos"),
    N_("A picture is cut into patches, of which most models join four to one token after resizing it; a second of "
       "sound becomes 6 to 50 tokens; of a video a few frames a second are taken, and often two joined. The model’s "
       "own processor is recomputed for it. Videos make the longest sequences by far: where sound and text say as "
       "much, leave the pictures out; a long video can be read in pieces, one call after the other, of which each "
       "takes what its own frames take. Images may stand in the prompts of DPO and GRPO too."),
  },
  {
    HR_HELP_SECTION_TERM, "zero", N_("ZeRO and FSDP"),
    N_("Data parallel copies that divide what each of them would hold: stage 1 optimizer states, stage 2 gradients "
       "too, stage 3 weights too, gathered layer by layer as they are used (live parameters)."),
  },
  {
    HR_HELP_SECTION_TERM, "flop", N_("Operation (FLOP)"),
    N_("An addition or a multiplication. A product of an m × k and a k × n matrix takes 2 · m · k · n; a token takes "
       "about two for each parameter, and training three times that, four with full checkpointing."),
  },
  {
    HR_HELP_SECTION_TERM, "roofline", N_("Roofline"),
    N_("A job takes at least the time of its operations at the peak, and at least that of its bytes at the "
       "bandwidth; the longer one limits it. Generating one token at a time is limited by the bandwidth, prompts and "
       "training by computing."),
  },
  {
    HR_HELP_SECTION_TERM, "arithmetic-intensity", N_("Arithmetic intensity"),
    N_("Operations for each byte that is moved. Where it is above the ratio of the GPU’s peak to its bandwidth, "
       "computing is the limit."),
  },
  {
    HR_HELP_SECTION_TERM, "mfu", N_("MFU"),
    N_("The share of the GPU’s peak that a training step reaches with the operations that the model needs, those of "
       "checkpointing left out."),
  },
  {
    HR_HELP_SECTION_TERM, "caching-allocator", N_("Caching allocator"),
    N_("PyTorch takes memory from the driver in blocks, hands out parts of them, and keeps what comes back. What it "
       "has taken and nobody uses is fragmentation."),
  },
  {
    HR_HELP_SECTION_TERM, "safetensors", N_("Safetensors and GGUF"),
    N_("Files of weights. Their headers list every tensor with its shape and type, which is all that is read of them "
       "here."),
  },
};

/* Words of the field. */
const HrHelpText *
_hr_help_list_terms (guint *n_texts)
{
  *n_texts = G_N_ELEMENTS (terms);

  return terms;
}
