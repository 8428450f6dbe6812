import { api } from '../../api'

Page({
  data: { products: [] as { id: number; name: string; priceFen: number }[], channel: '' },
  async onLoad() {
    const { data, channel } = await api.get<{
      data: { items: { id: number; name: string; priceFen: number }[] }
    }>('/api/products?page=1')
    this.setData({ products: data.data.items, channel })
  },
})
