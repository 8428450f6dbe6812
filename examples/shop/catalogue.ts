/** A product as the shop is seeded with it. Prices in fen, so that money is never a fraction. */
export interface Product {
  readonly id: number
  readonly category: Category
  readonly name: string
  readonly priceFen: number
  /** Path under the mini program's image host. */
  readonly image: string
  readonly stock: number
}

export const categories = ['tea', 'snacks', 'fruit', 'home', 'baby'] as const

export type Category = (typeof categories)[number]

const goods: readonly (readonly [Category, name: string, slug: string, priceFen: number, stock: number])[] = [
  ['tea', '西湖龙井 明前特级 50g', 'longjing', 16800, 320],
  ['tea', '安溪铁观音 清香型 250g', 'tieguanyin', 12800, 540],
  ['tea', '武夷山大红袍 礼盒 120g', 'dahongpao', 19900, 210],
  ['tea', '云南普洱熟茶 七子饼 357g', 'puer', 9900, 460],
  ['tea', '福鼎白毫银针 散装 100g', 'baihao', 22800, 150],
  ['tea', '横县茉莉花茶 罐装 200g', 'moli', 5900, 800],
  ['tea', '祁门红茶 一级 150g', 'qimen', 8800, 390],
  ['tea', '黄山毛峰 雨前 100g', 'maofeng', 10800, 275],
  ['snacks', '柳州螺蛳粉 3 包装', 'luosifen', 3690, 2400],
  ['snacks', '成都麻辣牛肉干 200g', 'niurougan', 4580, 980],
  ['snacks', '苏州采芝斋松子糖 250g', 'songzitang', 2880, 640],
  ['snacks', '天津十八街麻花 500g', 'mahua', 3200, 720],
  ['snacks', '长沙臭豆腐 即食 12 片', 'choudoufu', 1990, 1500],
  ['snacks', '新疆灰枣 若羌特级 500g', 'huizao', 2690, 1800],
  ['snacks', '三只小熊每日坚果 750g', 'jianguo', 7990, 860],
  ['snacks', '广式蛋黄酥 6 枚装', 'danhuangsu', 3580, 930],
  ['fruit', '烟台红富士苹果 5 斤', 'fushi', 3980, 1200],
  ['fruit', '赣南脐橙 10 斤装', 'qicheng', 5680, 1100],
  ['fruit', '海南贵妃芒 5 斤', 'guifeimang', 4280, 680],
  ['fruit', '丹东 99 草莓 3 斤顺丰', 'caomei', 9800, 240],
  ['fruit', '阳光玫瑰葡萄 2 串', 'meigui', 4990, 410],
  ['fruit', '库尔勒香梨 6 斤', 'xiangli', 3680, 760],
  ['fruit', '广西沃柑 8 斤', 'wogan', 4580, 1350],
  ['fruit', '云南高原蓝莓 4 盒', 'lanmei', 5980, 330],
  ['home', '景德镇手绘茶具 六件套', 'chaju', 29800, 90],
  ['home', '新疆长绒棉四件套 1.8 米', 'sijiantao', 39900, 160],
  ['home', '张小泉厨房剪刀', 'jiandao', 4900, 950],
  ['home', '龙泉青瓷饭碗 4 只', 'qingci', 8900, 370],
  ['home', '竹纤维抽纸 24 包', 'chouzhi', 3990, 3200],
  ['home', '章丘手工铁锅 32 厘米', 'tieguo', 25900, 120],
  ['home', '恒温电热水壶 1.7 升', 'shuihu', 12900, 480],
  ['home', '折叠晴雨伞 黑胶防晒', 'yusan', 5900, 1050],
  ['baby', '婴儿纯棉连体衣 66 码', 'liantiyi', 6900, 420],
  ['baby', '儿童保温杯 316 不锈钢', 'baowenbei', 8900, 610],
  ['baby', '木质拼图 百家姓', 'pintu', 3900, 730],
  ['baby', '宝宝辅食碗 硅胶吸盘', 'fushiwan', 2990, 890],
  ['baby', '学步鞋 软底防滑 14 码', 'xuebuxie', 9900, 260],
  ['baby', '婴儿手口湿巾 80 抽 ×5', 'shijin', 2990, 2600],
  ['baby', '绘本 中国传统节日 10 册', 'huiben', 7800, 350],
  ['baby', '儿童积木 城市系列 320 片', 'jimu', 13900, 300],
]

/** What the shop sells on its first day. Ids are 1, 2, 3, … in this order. */
export const products: readonly Product[] = goods.map(([category, name, slug, priceFen, stock], index) => ({
  id: index + 1,
  category,
  name,
  priceFen,
  image: `/images/${category}/${slug}.webp`,
  stock,
}))
