# A worker's machine image. `make bake` builds the container image, packs it, and runs this.

variable "flavour" {
  type        = string
  description = "The kind of machine: cpu or gpu."
}

variable "given" {
  type        = string
  description = "The folder with image.tar.gz, image.conf and names that `make bake` has made."
}

variable "revision" {
  type        = string
  description = "The commit that the image was built from."
}

variable "project" {
  type    = string
  default = "firstlight"
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "subnet" {
  type        = string
  default     = ""
  description = "A public subnet to bake in; empty: the default VPC's."
}

variable "ssh_from" {
  type        = list(string)
  default     = ["0.0.0.0/0"]
  description = "Who may reach the baking machine's ssh for its minutes; by a key of this bake alone in any case."
}

locals {
  # Baked where it will run: the compiled graph is made for this kind of processor, and NVIDIA's driver meets its GPU.
  types = {
    cpu = "c7i.xlarge"
    gpu = "g4dn.xlarge"
  }
  # Small, because a fresh volume reads each of its blocks from S3 first.
  gigabytes = {
    cpu = 6
    gpu = 20
  }
  name = "${var.project}-${var.flavour}-${formatdate("YYYYMMDD-hhmmss", timestamp())}-${substr(var.revision, 0, 12)}"
  tags = {
    Name                 = "${var.project}-worker-${var.flavour}"
    firstlight-project   = var.project
    firstlight-flavour   = var.flavour
    firstlight-revision  = var.revision
    firstlight-base-name = "{{ .SourceAMIName }}"
  }
}

source "amazon-ebs" "worker" {
  region                                = var.region
  instance_type                         = local.types[var.flavour]
  subnet_id                             = var.subnet
  ami_name                              = local.name
  ami_description                       = "A machine that brightens photos (${var.flavour}), from ${var.revision}"
  ssh_username                          = "admin"
  ssh_timeout                           = "5m"
  temporary_security_group_source_cidrs = var.ssh_from
  force_deregister                      = false
  encrypt_boot                          = true
  ena_support                           = true
  shutdown_behavior                     = "terminate"
  tags                                  = local.tags
  snapshot_tags                         = local.tags
  run_tags                              = { Name = "${var.project}-bake", firstlight-project = "${var.project}-bake" }
  run_volume_tags                       = { Name = "${var.project}-bake" }

  # Debian's own images; 136693071363 is Debian's account (wiki.debian.org/Cloud/AmazonEC2Image).
  source_ami_filter {
    owners      = ["136693071363"]
    most_recent = true
    filters = {
      name                = "debian-12-amd64-*"
      virtualization-type = "hvm"
      root-device-type    = "ebs"
      architecture        = "x86_64"
    }
  }

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = local.gigabytes[var.flavour]
    throughput            = 250
    iops                  = 3000
    encrypted             = true
    delete_on_termination = true
  }
}

build {
  sources = ["source.amazon-ebs.worker"]

  # The base's own first-boot work must be over before its files are changed.
  provisioner "shell" {
    inline = ["cloud-init status --wait >/dev/null", "mkdir -p /tmp/firstlight"]
  }

  provisioner "file" {
    source      = "${var.given}/"
    destination = "/tmp/firstlight"
  }

  provisioner "file" {
    source      = "${path.root}/host"
    destination = "/tmp/firstlight"
  }

  provisioner "shell" {
    script           = "${path.root}/provision.sh"
    environment_vars = ["FLAVOUR=${var.flavour}"]
    execute_command  = "sudo env {{ .Vars }} bash '{{ .Path }}' /tmp/firstlight"
  }

  post-processor "manifest" {
    output     = "${var.given}/manifest.json"
    strip_path = true
  }
}
