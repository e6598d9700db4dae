/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-help-private.h"

#include <glib/gi18n-lib.h>

static const HrHelpText guides[] = {
  {
    HR_HELP_SECTION_GUIDE, "exact", N_("How the exact figure is made"),
    N_("From the config.json come all tensors that the real implementation creates, each with its shape and its type. "
       "Then the step that the framework runs is replayed, allocation by allocation: which buffer each line of its "
       "code makes, and when it goes again. The peak is the highest moment of that replay, and its parts are what was "
       "held then. Nothing is estimated by a factor. What PyTorch does not count, such as the CUDA context, was "
       "measured.\n\n"
       "The result is held against real frameworks and GPUs on every run of the tests; the table stands in the file "
       "README.md of the source."),
  },
  {
    HR_HELP_SECTION_GUIDE, "rule-of-thumb", N_("The rule of thumb"),
    /* xgettext:no-c-format */
    N_("The formulas that people know by heart, computed as they are usually written: parameters times bytes, 20 % "
       "more for inference, 16 bytes a parameter for training, and so on. They stand beside the exact figure and are "
       "never mixed into it. Below each part is written which formula it is, whose, and what it gets wrong for this "
       "model and this job."),
    { "https://blog.eleuther.ai/transformer-math/" },
  },
  {
    HR_HELP_SECTION_GUIDE, "figures", N_("Allocated, reserved, shown by the device"),
    N_("Allocated is what is in tensors: torch.cuda.max_memory_allocated().\n\n"
       "Reserved is what PyTorch’s allocator has taken from the driver for them, in blocks of 2 MiB and more; gaps "
       "between tensors are in it: torch.cuda.max_memory_reserved(). The allocator’s requests are replayed one by one "
       "to find it. How measurements lie around it is said beside the figure.\n\n"
       "Shown by the device is what nvidia-smi says: what is reserved, and the CUDA context with the libraries’ "
       "kernels and workspaces, which PyTorch does not count. The headline figure is this one, because the device is "
       "full when it is.\n\n"
       "llama.cpp has no such allocator: it takes all from the driver when it starts, and lists it as “model buffer "
       "size”, “KV buffer size” and “compute buffer size” of each device."),
  },
  {
    HR_HELP_SECTION_GUIDE, "assumed", N_("What is assumed, and what is unknown"),
    N_("What a source does not say stays absent: there is no figure rather than a guess. What had to be assumed is "
       "listed as a warning below the result. A combination of settings that is not replayed is refused with the "
       "reason, and the last estimate stays."),
  },
  {
    HR_HELP_SECTION_GUIDE, "other-models", N_("Models that are not in the catalogue"),
    N_("The config.json of any model can be opened; one of an unknown kind is counted as far as it can be read, and "
       "says so. A number of parameters, such as “7B”, can be typed where nothing else is known.\n\n"
       "GPT-3 is in the catalogue by the table of its paper, GLM-130B by its own code. PaLM is not: neither its "
       "weights nor its code were published, and its paper has widths and sums, but not every tensor."),
    { "https://arxiv.org/abs/2005.14165", "https://github.com/THUDM/GLM-130B", "https://arxiv.org/abs/2204.02311" },
  },
  {
    HR_HELP_SECTION_GUIDE, "limits", N_("Known limits"),
    /* xgettext:no-c-format */
    N_("The figures are those of transformers 5.12 and torch 2.14; other versions may hold a buffer more or less. "
       "Frameworks that are chosen in the settings are replayed after their own code.\n\n"
       "Inference is that of transformers, llama.cpp, Ollama, vLLM, SGLang, LMDeploy, TensorRT-LLM, MLX or ExLlamaV3. "
       "Of llama.cpp, which Ollama starts, the buffers that its server reserves are known, for decoders with "
       "attention, state spaces (Mamba and Mamba 2), gated delta networks or short convolutions in their layers, and "
       "for a draft model beside them, which is not the model’s own layer (draft-mtp), and not what its CUDA kernels "
       "take for a moment. Of vLLM the weights, the trial run by which it finds out what is left, and the blocks of "
       "its cache follow from its code, for such decoders and for those with states beside attention; what CUDA "
       "graphs and libraries take beside is the median of published logs, which are further apart: from 0.03 to 2.4 "
       "GiB, and more on several GPUs. SGLang takes its share of the memory without a trial run: its layers are "
       "vLLM’s, and what prompts make of them is laid beside what the share leaves. What the host keeps of experts "
       "beside it (KTransformers) follows from kt-kernel’s code, and its buffers for prompts are not counted: its "
       "tutorials tell 2 and 6 % more of two models. LMDeploy and TensorRT-LLM give their caches a share of what the "
       "weights leave free; what is gone of the memory before is the median of logs of SGLang, and what CUDA graphs "
       "take is not counted. Of TensorRT-LLM’s logs there are nine, and of LMDeploy’s three, of which one names its "
       "GPU: there, with a tower beside, 3.8 GiB more are gone. What MLX makes for a moment depends on how far the "
       "processor is ahead of the GPU: of thirteen published peaks the estimate is off by 1.2 % in the median, and "
       "by 2.9 % at worst. ExLlamaV3’s weights, pages and chunks of prompts follow from its code, for models whose "
       "layers attend to keys and values, and not what its kernels and its allocator take beside: of what eleven "
       "published runs showed the estimate is off by 0.5 % in the median, and by 2.0 % at worst. Which kernels and "
       "workspaces the libraries choose is known for the GPUs that were measured, and taken from the most similar "
       "one for others. What other programs hold on the same GPU is not known.\n\n"
       "Times are those of a roofline with typical efficiencies: they say what limits a job. Of measured speeds they "
       "are off by up to 40 %, and by up to 55 % with efficiencies that only other sources had: as much may be so "
       "for a program, driver or GPU that is not among them. “headroom-cli list speeds” and the section of times in "
       "the window show each of them. What GPUs that train together send to each other is not counted, nor is what "
       "programs do between the kernels."),
  },
  {
    HR_HELP_SECTION_GUIDE, "units", N_("GiB and GB"),
    /* xgettext:no-c-format */
    N_("1 GiB is 1024³ = 1,073,741,824 bytes, 1 GB is 10⁹ bytes, 7 % less. GPUs that are sold with “24 GB” have "
       "24 GiB, of which the driver keeps a little; files and model cards count in GB. Both stand in each explanation, "
       "the preferences choose which one is shown elsewhere. Parameters are counted in powers of a "
       "thousand: 7.6 B are 7.6 · 10⁹."),
  },
  {
    HR_HELP_SECTION_GUIDE, "fits", N_("Whether it fits, and what to leave free"),
    N_("A job fits if what the device shows is less than its memory as the driver reports it. Leave some room: texts "
       "of several lengths leave holes between blocks, a longer prompt than foreseen needs more, and other programs, "
       "such as a desktop, take memory too. Five to ten percent are usual. Where a job is spread over several GPUs, "
       "the fullest one decides."),
  },
  {
    HR_HELP_SECTION_GUIDE, "measure", N_("Comparing with a measurement"),
    /* xgettext:no-c-format */
    N_("torch.cuda.max_memory_allocated() and max_memory_reserved() after the step give the first two figures; "
       "reset_peak_memory_stats() before it forgets what loading took. nvidia-smi shows the third, of all programs "
       "together. model.get_memory_footprint() counts parameters and buffers, which is the part “Weights” here.\n\n"
       "torch.cuda.memory._record_memory_history() writes down every block. In the picture that PyTorch’s visualizer "
       "draws of it, the wide stripes at the bottom are weights and optimizer states, the saw above them gradients and "
       "activations, and the thin peaks temporary buffers: the chart “Memory over Time” shows the same from below to "
       "above.\n\n"
       "An error can be said of the estimate or of the measurement: 50 GB against 75 GB are 50 % of the one and "
       "33 % of the other."),
    { "https://pytorch.org/memory_viz", "https://pytorch.org/docs/stable/torch_cuda_memory.html" },
  },
  {
    HR_HELP_SECTION_GUIDE, "files", N_("Files, scenarios and reports"),
    N_("A config.json, a folder that holds one, a .safetensors file or its index, a .gguf file or an "
       "adapter_config.json can be opened, or dropped on the window. Of weights only the headers are read.\n\n"
       "A scenario (.headroom) has the model, the GPU and every setting, so that another person sees the same figure. "
       "Reports are written as PDF, HTML, Markdown, CSV and JSON, and the charts as SVG and PNG. When the program "
       "starts again it shows what it showed last."),
  },
  {
    HR_HELP_SECTION_GUIDE, "what-decides", N_("What decides how much memory is taken"),
    N_("In inference: the weights, by the number of parameters and the bytes of each; then the KV cache, by the number "
       "of tokens of all sequences. The larger the batch, the more tokens a second and the more memory.\n\n"
       "In training: what belongs to each parameter that is trained (weight, gradient, optimizer states, master "
       "weights), which neither the batch nor the text changes; and the activations, which grow with both and are "
       "most of it for long texts. Whoever trains few parameters saves the first, whoever computes activations anew "
       "saves the second.\n\n"
       "Lower precision takes less memory and is faster where the GPU computes in it, and costs accuracy: hardly any "
       "in 16 bits, little in 8, more in 4, and how much depends on the model and the method."),
  },
  {
    HR_HELP_SECTION_GUIDE, "mixed-precision", N_("Why mixed precision does not halve training"),
    N_("Weights and gradients are 16 bits wide, but the optimizer adds small steps to large numbers, which 16 bits "
       "would round away. It therefore keeps a master copy of the weights and its states in FP32. 2 + 2 + 4 + 4 + 4 = "
       "16 bytes a parameter is no less than 4 + 4 + 8 in single precision; with gradients in FP32 it is 18, with "
       "both kinds of gradients 20. What becomes smaller is the activations, and what becomes shorter is the time."),
    { "https://arxiv.org/abs/1710.03740", "https://arxiv.org/abs/1910.02054" },
  },
  {
    HR_HELP_SECTION_GUIDE, "static-dynamic", N_("What stays and what comes and goes"),
    N_("Static are the weights, the optimizer states, the master weights and the CUDA context: they are there during "
       "the whole step. Dynamic are activations, logits, gradients, temporary buffers and the KV cache. The peak is "
       "the static part and the highest moment of the dynamic one; the chart “Memory over Time” shows both."),
  },
  {
    HR_HELP_SECTION_GUIDE, "parallelism", N_("Several GPUs"),
    N_("Data parallelism: every GPU has the whole model and a part of the batch. ZeRO and FSDP divide optimizer "
       "states, then gradients, then weights among these GPUs.\n\n"
       "Tensor parallelism divides each matrix, for models that are too large for one GPU; the GPUs need a fast "
       "connection. Sequence parallelism divides the rest of the activations along with it. Context parallelism gives "
       "each GPU a part of every sequence, for long ones, and has them exchange what attention needs of the rest "
       "(rings, or Ulysses). Pipeline parallelism gives each GPU some of the layers; the first ones hold several "
       "micro-batches at once, and GPUs wait at the beginning and at the end.\n\n"
       "All of them multiply: the number of data parallel copies is the number of GPUs, divided by that of tensor, "
       "context and pipeline parts.\n\n"
       "What each GPU holds is replayed for FSDP 1 and 2 and DistributedDataParallel as transformers’ Trainer runs "
       "them, and TRL’s trainers of DPO, KTO, GRPO and their kin, for DeepSpeed’s ZeRO, below these as well, the "
       "sequences that it shares by Ulysses, and its PipelineEngine, alone, with copies and with ZeRO’s first stage, "
       "for Megatron-LM’s tensor, sequence, context, expert and pipeline parallelism and distributed optimizer with "
       "models like GPT and Llama, for torchtitan’s fully_shard, alone or beside tensor, sequence and context "
       "parallelism, in its pipelines too, for the schedules of "
       "torch.distributed.pipelining in a plain loop and in torchtitan, and for matrices that transformers divides by "
       "its own plans, in training as in inference; in inference also for its plans of experts, and for layers that "
       "accelerate spreads over GPUs. Every other layout is refused with the reason."),
    { "https://arxiv.org/abs/1910.02054", "https://arxiv.org/abs/2104.04473" },
  },
  {
    HR_HELP_SECTION_GUIDE, "saving", N_("How to make it fit"),
    N_("The list below the result says what each change would save for this job, and applies it. In general, in this "
       "order: a shorter sequence or a smaller batch (gradients may be accumulated over several of them); gradient "
       "checkpointing; fused losses, so that logits are not kept; LoRA or QLoRA in place of training everything; "
       "optimizers with smaller states; weights in 8 or 4 bits; a model with grouped queries; more or larger GPUs.\n\n"
       "For pictures and videos: smaller pictures, fewer frames a second, videos in parts, sound and text "
       "before video: half the width and height make a quarter of the tokens."),
  },
  {
    HR_HELP_SECTION_GUIDE, "libraries", N_("Libraries that save memory"),
    N_("DeepSpeed divides states among GPUs or puts them on the host. bitsandbytes has matrices of 8 and 4 bits and "
       "optimizers of 8. PEFT trains adapters. Accelerate spreads a model over devices. Liger-Kernel and Unsloth have "
       "fused layers and losses. For pictures, sounds and videos: transformers, timm, Whisper."),
    { "https://github.com/deepspeedai/DeepSpeed", "https://github.com/bitsandbytes-foundation/bitsandbytes",
      "https://github.com/huggingface/peft", "https://github.com/huggingface/accelerate",
      "https://github.com/huggingface/transformers", "https://github.com/huggingface/pytorch-image-models",
      "https://github.com/openai/whisper", "https://github.com/linkedin/Liger-Kernel" },
  },
  {
    HR_HELP_SECTION_GUIDE, "trainers", N_("LLaMA-Factory, ms-swift, Axolotl, Unsloth, verl, OpenRLHF"),
    N_("Programs that train for you have another framework do it; choose that, and say what they tell it.\n\n"
       "LLaMA-Factory, ms-swift (swift sft) and Axolotl run transformers’ Trainer, and TRL’s trainers for DPO, KTO and "
       "the like: framework is transformers or trl. Their DeepSpeed file says zero-stage, an FSDP file of accelerate "
       "fsdp and fsdp-version; with neither, every GPU has a copy (DDP). per_device_train_batch_size is "
       "micro-batch-size, cutoff_len or max_length is sequence-length, lora_target all is lora-targets all-linear. "
       "LLaMA-Factory and ms-swift turn gradient checkpointing on where nothing is said (gradient-checkpointing full), "
       "and LLaMA-Factory holds what it trains in fp32 unless pure_bf16 is set (dtype float32 where all parameters are "
       "trained). megatron sft of ms-swift is Megatron-LM.\n\n"
       "Unsloth trains on several GPUs with a copy on each.\n\n"
       "verl shares parameters, gradients and states among all GPUs (strategy fsdp), in fp32: "
       "ppo_micro_batch_size_per_gpu is micro-batch-size, log_prob_micro_batch_size_per_gpu is "
       "log-prob-micro-batch-size. ppo_mini_batch_size over the GPUs and the micro-batches makes "
       "gradient-accumulation-steps. Its strategy megatron is Megatron-LM’s, and is not replayed.\n\n"
       "OpenRLHF shares gradients and states by DeepSpeed’s second stage: micro_train_batch_size is micro-batch-size, "
       "micro_rollout_batch_size is log-prob-micro-batch-size."),
    { "https://github.com/hiyouga/LLaMA-Factory", "https://github.com/modelscope/ms-swift",
      "https://github.com/axolotl-ai-cloud/axolotl", "https://github.com/unslothai/unsloth",
      "https://github.com/volcengine/verl", "https://github.com/OpenRLHF/OpenRLHF" },
  },
  {
    HR_HELP_SECTION_GUIDE, "papers", N_("Papers"),
    N_("Attention Is All You Need (Transformer, 2017); Mixed Precision Training (2018); Training Deep Nets with "
       "Sublinear Memory Cost (checkpointing, 2016); ZeRO (2020); Reducing Activation Recomputation (2022); "
       "LoRA (2021); QLoRA (2023); 8-bit Optimizers (2022); GQA (2023); PaLM (2022); FlashAttention (2022); "
       "DeepSeekMath (GRPO, 2024); LLaVA (2023); Qwen2.5-VL (2025)."),
    { "https://arxiv.org/abs/1706.03762", "https://arxiv.org/abs/1710.03740", "https://arxiv.org/abs/1604.06174",
      "https://arxiv.org/abs/1910.02054", "https://arxiv.org/abs/2205.05198", "https://arxiv.org/abs/2106.09685",
      "https://arxiv.org/abs/2305.14314", "https://arxiv.org/abs/2110.02861", "https://arxiv.org/abs/2305.13245",
      "https://arxiv.org/abs/2204.02311", "https://arxiv.org/abs/2205.14135", "https://arxiv.org/abs/2402.03300",
      "https://arxiv.org/abs/2304.08485", "https://arxiv.org/abs/2502.13923" },
  },
  {
    HR_HELP_SECTION_GUIDE, "elsewhere", N_("Articles and other calculators"),
    N_("What others have written on the memory of language models, and calculators that ask for less and know "
       "less. Their worked examples are in the window “Worked Examples”."),
    { "https://kipp.ly/transformer-inference-arithmetic/", "https://blog.eleuther.ai/transformer-math/",
      "https://huggingface.co/spaces/hf-accelerate/model-memory-usage", "https://rahulschand.github.io/gpu_poor/",
      "https://evanw.github.io/float-toy/", "https://zhuanlan.zhihu.com/p/687226668",
      "https://zhuanlan.zhihu.com/p/624740065", "https://www.zhihu.com/question/645810022",
      "https://github.com/deepspeedai/DeepSpeed/blob/master/deepspeed/runtime/bf16_optimizer.py",
      "https://huggingface.co/mistralai/Mistral-7B-Instruct-v0.2/blob/main/config.json",
      "https://huggingface.co/meta-llama/Llama-2-13b-hf/blob/main/config.json",
      "https://blog.csdn.net/wxc971231/article/details/135434478",
      "https://blog.csdn.net/weixin_65514978/article/details/141018827",
      "https://blog.csdn.net/weixin_65514978/article/details/141356008",
      "https://clvsit.github.io/%E5%88%86%E5%B8%83%E5%BC%8F%E5%B9%B6%E8%A1%8C%E8%AE%AD%E7%BB%83/",
      "https://clvsit.github.io/%E8%AE%BA%E6%96%87%E9%98%85%E8%AF%BB%EF%BC%9AGQA-Training-Generalized-Multi-Query-"
      "Transformer-Models-from-Multi-Head-Checkpoints/" },
  },
};

/* Texts on how figures are made, and on what to make of them. */
const HrHelpText *
_hr_help_list_guides (guint *n_texts)
{
  *n_texts = G_N_ELEMENTS (guides);

  return guides;
}
