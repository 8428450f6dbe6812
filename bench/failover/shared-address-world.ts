import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  backendPort,
  type Cleanup,
  gatewayPort,
  type TrialPriority,
  TrialWorld,
  trialSites,
  type TrialSite,
} from '@budao/testkit'
import { nginxBase } from '../nginx-backends.ts'

const shared = '10.77.0.100'

export interface SharedAddressPrograms extends TrialPriority {
  readonly nginx: string
  readonly keepalived: string
}

/** How often keepalived says that it is there, and asks whether nginx is, seconds. */
export interface KeepalivedPace {
  readonly advert: number
  readonly script: number
}

/**
 * What people run today: nginx at each site, with the other site's backend as its backup, behind an address that keepalived moves. Priorities 100 and
 * 90, a script that asks nginx, weight 0 (its fastest), fall 2. There are no epochs.
 */
export class SharedAddressWorld extends TrialWorld {
  readonly #pace: KeepalivedPace

  constructor(t: Cleanup, programs: SharedAddressPrograms, pace: KeepalivedPace) {
    super(t, programs)
    this.#pace = pace
    for (const site of trialSites) {
      const folder = join(this.folder, `nginx-${site}`)
      mkdirSync(folder)
      const conf = join(folder, 'nginx.conf')
      writeFileSync(conf, this.#nginxConf(site, folder))
      this.start(site, 'nginx', programs.nginx, ['-e', 'stderr', '-p', folder, '-c', conf])
      const keepalived = join(folder, 'keepalived.conf')
      const script = join(folder, 'ask-nginx')
      const asks = `/dev/tcp/127.0.0.1/${gatewayPort}`
      writeFileSync(
        script,
        `#!/bin/bash\nexec timeout 1 bash -c 'exec 3<>${asks}; printf "GET /alive HTTP/1.0\\r\\n\\r\\n" >&3; grep -q 200 <&3'\n`,
        { mode: 0o755 },
      )
      writeFileSync(keepalived, this.#keepalivedConf(site, script))
      const pids = ['-p', join(folder, 'main.pid'), '-r', join(folder, 'vrrp.pid')]
      this.start(site, 'keepalived', programs.keepalived, ['-n', '-l', '-D', '-P', '-f', keepalived, ...pids])
    }
  }

  protected override get gateways(): { name: string; address: string; port: number }[] {
    return [{ name: 'shared', address: shared, port: gatewayPort }]
  }

  protected override get gatewayPrograms(): readonly string[] {
    return ['nginx']
  }

  override async settled(): Promise<void> {
    await until('the first node alone has the address, and both are there', () => {
      const [first, second] = trialSites.map((site) => this.machines[site].host.addresses().includes(shared))
      return first === true && second === false && this.#standsBy('west')
    })
    // Two that had the address at once may have left the clients with the wrong one, for as long as they like.
    this.client.host.run('ip', ['neigh', 'flush', 'dev', 'eth0'])
  }

  #standsBy(site: TrialSite): boolean {
    return this.machines[site].process('keepalived').output.includes('Entering BACKUP STATE')
  }

  #nginxConf(site: TrialSite, folder: string): string {
    return `${nginxBase(folder)}
  upstream shop {
    server ${this.address('east')}:${backendPort} max_fails=1 fail_timeout=1s;
    server ${this.address('west')}:${backendPort} backup;
    keepalive 16;
  }
  server {
    listen 0.0.0.0:${gatewayPort};
    location /alive { return 200 '${site}'; }
    location / {
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 1s;
      proxy_read_timeout 1s;
    }
  }
}
`
  }

  #keepalivedConf(site: TrialSite, script: string): string {
    const { advert, script: interval } = this.#pace
    // A machine that had lost the address and comes back may be started before its old state is gone.
    return `global_defs {
    router_id ${site}
    script_user root
    enable_script_security
    vrrp_version 3
}
vrrp_script ask {
    script "${script}"
    interval ${interval}
    fall 2
    rise 2
    weight 0
}
vrrp_instance shop {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority ${site === 'east' ? 100 : 90}
    advert_int ${advert}
    virtual_ipaddress {
        ${shared}/24
    }
    track_script {
        ask
    }
}
`
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within 60 s: ${what}`)
    await sleep(100)
  }
}
